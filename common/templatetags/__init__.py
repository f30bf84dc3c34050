"""Template tags that every app's pages may use. They draw; they decide nothing."""
