"""Importing incidents from a CSV as people have it.

`reading` says what the file is, `mapping` what its columns mean, `dates` in which order days and
months stand, `rows` turns one line into a case or a reason for refusal, `writing` saves in chunks.
Nothing here asks or prints: the command does.
"""
