"""
Tills in a browser: somebody who has logged in acts for a till, with its sequences and without its key.

What the key is to a till on its own, the seller's session is here; everything else is the same services.
"""
