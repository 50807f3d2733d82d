"""The counter in the browser: a till, its day, and the phone's side of paying."""
