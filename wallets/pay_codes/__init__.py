"""Pay codes: eighteen digits that a till scans off the customer's phone, good for one try."""
