"""Bodies and query parameters of tills and their trades."""

from core.api.fields import Input, TextField
from orders.counter.models import INSTITUTION_LENGTH_MAX


class TerminalInput(Input):
    name = TextField(max_length=80)
    institution = TextField(
        max_length=INSTITUTION_LENGTH_MAX,
        required=False,
        allow_blank=True,
        help_text="Whose till it is, a bank's for example: a parameter of its trades' money, for the rules.",
    )
