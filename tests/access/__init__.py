"""What the access sweep stands on: two companies, the callers, and the table of every route."""
