"""The servers and the supervisor behind `make run` and `make test`.

Everything here works without Django's settings: it is what makes them. No rule of the product
lives here, and nothing of the product's apps is imported.
"""
