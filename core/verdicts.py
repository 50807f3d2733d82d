"""What the last looks at the books came to, kept for operators: `proofs` looks, and writes nothing itself."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from core.models import BookVerdict
from core.registry import Finding


def keep_verdict(
    *,
    began_at: datetime,
    ended_at: datetime,
    checks_count: int,
    rows_count: int,
    findings: Iterable[Finding],
    limited_to: str,
) -> BookVerdict:
    """
    Keep one look at the books that came to its end; of its findings the first VERDICT_FINDINGS_KEPT.

    `limited_to`: in words, where it did not look at everything.
    """
    found = list(findings)
    kept = [
        {"check": finding.check, "subject": finding.subject, "detail": finding.detail}
        for finding in found[: settings.VERDICT_FINDINGS_KEPT]
    ]
    return BookVerdict.objects.create(
        began_at=began_at,
        ended_at=ended_at,
        checks_count=checks_count,
        rows_count=rows_count,
        findings_count=len(found),
        findings=kept,
        limited_to=limited_to,
    )


def last_verdict() -> BookVerdict | None:
    """Return the newest look that was not limited to a part of the books."""
    return BookVerdict.objects.filter(limited_to="").order_by("-ended_at").first()
