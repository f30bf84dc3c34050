"""The invented demo company: what it is, and ninety days of its history from a seed.

Content a person reads is in `content/`; who signs in is in `logins.py`; the rest builds rows. Rules
are the product's own wherever a row needs one (rule of the scale, range, limits, ledger accounts);
only the moments and the choices are invented here. Nothing in the product imports this package, but
for the sign-in page of the embedded mode, which names its people.
"""
