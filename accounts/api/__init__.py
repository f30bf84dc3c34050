"""What every API endpoint stands on: who calls, what is read, refused, paged and replayed."""
