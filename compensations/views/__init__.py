"""The app's pages: the cashier's counter."""
