"""Reads that join what incidents, compensations and delivery know, for the desk's pages.

What a person may see is always asked of `visible_incidents` and its like; nothing here widens it.
"""
