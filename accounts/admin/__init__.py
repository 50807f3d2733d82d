"""What operators see and do of accounts. Facts are for reading; what is done goes through the services."""

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.admin import accounts, behaviours, identities, links, mails, sessions

admin.site.unregister(Group)  # Rights come from the kind of account, not from groups.

__all__ = ["accounts", "behaviours", "identities", "links", "mails", "sessions"]
