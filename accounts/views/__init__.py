"""Pages of administration and of one's own preferences."""
