"""What tests of scans do again and again."""

from datetime import datetime
from typing import Any

from django.test import Client

from accounts.models import Account
from catalog.models import Item
from core import clock
from sharing.codes import share_code
from sharing.models import Scan, ScanClass, Share, ShareProgram
from sharing.services.scanning import RecordedScan, record_scan
from sharing.tokens import ScanTicket, write_token
from tests.shop import offer

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile "
    "Safari/537.36"
)
ADDRESS = "192.0.2.7"


def program_of(item: Item, **fields: Any) -> ShareProgram:
    """5 % for a month, unless said otherwise."""
    version = ShareProgram.objects.filter(item=item).count() + 1
    terms = {"rate_bps": 500, "window_days": 30, "model": ShareProgram.Model.LAST_TOUCH, **fields}
    made = {"made_by": item.seller, "login_account": item.seller, "from_at": clock.now()}
    return ShareProgram.objects.create(item=item, version=version, currency=item.currency, **terms, **made)


def share_of(sharer: Account, seller: Account, **fields: Any) -> Share:
    """A share of a new item of this seller, unless there is a program already."""
    program = fields.pop("program", None) or program_of(offer(seller))
    made = {"login_account": sharer, "made_at": clock.now()}
    return Share.objects.create(program=program, item=program.item, sharer=sharer, **made, **fields)


def path_of(share: Share) -> str:
    return f"/s/{share_code(share.pk)}"


def look(share: Share, *, method: str = "GET", agent: str = PHONE, address: str = ADDRESS, **headers: str) -> Any:
    """Open the share's code as a phone would, unless said otherwise."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic(method, path_of(share), REMOTE_ADDR=address, headers={"User-Agent": agent, **named})


def scan(
    share: Share,
    *,
    agent: str = PHONE,
    address: str = ADDRESS,
    signals: tuple[str, ...] = (),
    now: datetime | None = None,
) -> RecordedScan:
    """The same without HTTP."""
    kept = record_scan(share_id=share.pk, agent=agent, address=address, signals=signals, now=now or clock.now())
    assert kept is not None
    return kept


def token_of(share: Share, **look: Any) -> str:
    """A scan's token, as the activity page gets it."""
    return write_token(scan(share, **look).ticket)


def forged_ticket(share: Share, scan_id: int, now: datetime) -> ScanTicket:
    """A ticket of a scan that nobody made."""
    return ScanTicket(scan_id=scan_id, share_id=share.pk, scanned_at=now, scan_class=ScanClass.HUMAN)


def log_of(share: Share) -> list[Scan]:
    """What was kept of it, the oldest first."""
    return list(Scan.objects.filter(share=share).order_by("id"))
