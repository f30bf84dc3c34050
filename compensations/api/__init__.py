"""The app's part of the API."""
