"""Pages that only the account's own log-in may see: whoever acts through a link is offered to be itself again."""

from django.http import HttpResponseBase

from portal.pages.base import CustomerPage


class OwnPage(CustomerPage):
    """A page about what is never done through a link."""

    def refuse_entry(self) -> HttpResponseBase | None:
        """:raises OwnLoginRequired: the acting account is a linked one."""
        refused = super().refuse_entry()
        if refused is None:
            self.customer.ensure_own_login()
        return refused
