"""Tests of people, places, keys and the ground of the API."""
