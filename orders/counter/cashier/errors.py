"""What a till in a browser can refuse, beside what every till can. Codes never change."""

from core.errors import Conflict


class SaleMovedOn(Conflict):
    code = "sale_moved_on"
    message = "This sale has been rung up, or ended, meanwhile: look at the till again."


class TillCartEmpty(Conflict):
    code = "till_cart_empty"
    message = "Nothing has been rung up."


class TillCartFull(Conflict):
    code = "till_cart_full"
    message = "A sale has no more lines than that."


class SaleUnderWay(Conflict):
    code = "sale_under_way"
    message = "Something else is being rung up at this till."
