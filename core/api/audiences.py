"""Who may be allowed to call: kinds of principal, as views name them."""

ACCOUNTS = frozenset({"buyer", "seller", "operator"})  # People: everybody who logs in.
