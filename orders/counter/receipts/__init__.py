"""Receipts of paid trades: as a page, as a PDF, and as text for printers, with a code that proves them."""
