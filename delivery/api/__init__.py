"""The door that providers knock at with receipts."""
