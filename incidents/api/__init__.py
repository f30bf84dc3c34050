"""Customers and incidents over the API: the same actions, rules and audit as the pages."""
