"""How pages write times: where money is looked up, seconds and the time zone count."""
