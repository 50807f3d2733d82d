"""
The counter in the browser: a seller's tills, the till itself, and what a store has taken in a day.

Every form of the till carries the number of what it asks for, and works without scripts; with them only the part of
the page that has changed is sent.
"""
