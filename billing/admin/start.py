"""What the first page shows of the books: what waits, what is set aside, and whether all of it adds up."""

from django.core.cache import cache
from django.db.models import Sum
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.timesince import timesince

from billing.booking import BILLING
from billing.models import JournalReversal, RuleSet, UnpostedEvent
from core.admin import link_to, table
from core.navigation import on_start_page
from events.models import Delivery, EventRecord
from ledger.models import Batch, LedgerAccount
from ledger.seals import head_seal

COUNTED_MAX = 1000  # Beyond it, more are not told apart.
BATCHES_SHOWN = 5
DIFFERENCE_KEPT_SECONDS = 60  # Summing a million accounts takes a while.


@on_start_page
def billing_at_a_glance(request: HttpRequest) -> str:
    """A card for each, which leads to the list behind it."""
    if not request.user.has_perm("billing.view_ruleset"):
        return ""
    unposted = UnpostedEvent.objects.filter(consumer=BILLING, parked_at__isnull=False).order_by("event_id")
    waiting = Delivery.objects.filter(consumer=BILLING, parked_at=None)
    differences = trial_differences()
    context = {
        "waiting": _some(waiting),
        "unposted": _some(unposted),
        "oldest": _age_of(unposted.values_list("event_id", flat=True).first()),
        "differences": differences,
        "broken": any(differences.values()),
        "last_batches": _last_batches(),
        "seal": head_seal(),
        "drafts": RuleSet.objects.filter(status=RuleSet.Status.DRAFT).count(),
        "reversals": JournalReversal.objects.filter(approved_at=None, withdrawn_at=None).count(),
    }
    return render_to_string("billing/start.html", context, request)


def _last_batches() -> str:
    lines = [
        (
            link_to("ledger.batch", batch.pk, batch.public_id),
            batch.trigger,
            batch.events_count,
            batch.transfers_count,
            f"{batch.booked_at:%Y-%m-%d %H:%M:%S}",
        )
        for batch in Batch.objects.order_by("-id")[:BATCHES_SHOWN]
    ]
    return table(["batch", "trigger", "events", "transfers", "booked"], lines, numbers={"events", "transfers"})


def _some(rows: object) -> str:
    found = rows[: COUNTED_MAX + 1].count()  # type: ignore[index]
    return f"more than {COUNTED_MAX:,}" if found > COUNTED_MAX else f"{found:,}"


def _age_of(event_id: int | None) -> str:
    recorded = EventRecord.objects.filter(pk=event_id or 0).values_list("recorded_at", flat=True).first()
    return timesince(recorded, timezone.now(), depth=1) if recorded else ""


def trial_differences() -> dict[str, int]:
    """Debits less credits of all accounts, by currency: zero, or the book is broken. At most a minute old."""
    found: dict[str, int] | None = cache.get_or_set(
        "billing trial differences", _trial_differences, DIFFERENCE_KEPT_SECONDS
    )
    return found or {}


def _trial_differences() -> dict[str, int]:
    sums = LedgerAccount.objects.values("currency").annotate(debits=Sum("debits_minor"), credits=Sum("credits_minor"))
    return {row["currency"]: row["debits"] - row["credits"] for row in sums.order_by("currency")}
