"""Tests of customers and incidents."""
