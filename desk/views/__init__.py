"""The desk's pages: thin doors on the actions and selectors of lower apps."""
