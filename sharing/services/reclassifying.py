"""
Replaying a newer classifier over the log of scans.

First to see what would change, share by share; then to change it: the log, what is counted of it, and the claims that
orders to come will find. What was decided about orders is not looked at again.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from accounts.actor import Actor
from core.jobs import Step, runs_job, submit_job
from core.models import Job
from sharing.classifying import CLASSIFIER, classify
from sharing.models import ScanClass, Share
from sharing.services.counting import correct_classes

RECLASSIFY = "sharing.reclassify"

# What its sharer has claimed is `self` wherever the classifier says human.
_LOGGED = """
SELECT scan.id, scan.share_id, scan.scan_class, scan.agent, scan.signals, claim.scan_class,
    COALESCE(share.sharer_id IN (claim.account_id, claim.login_account_id), false)
FROM sharing_scan scan
LEFT JOIN sharing_scanclaim claim ON claim.scan_id = scan.id
LEFT JOIN sharing_share share ON share.id = claim.share_id
WHERE scan.id > %s AND scan.id <= %s ORDER BY scan.id LIMIT %s
"""

_CORRECT_CLAIMS = """
UPDATE sharing_scanclaim claim SET scan_class = wanted.scan_class
FROM unnest(%s::bigint[], %s::text[]) AS wanted(scan_id, scan_class)
WHERE claim.scan_id = wanted.scan_id
"""

Change = tuple[int, str, str]
"""The key of a share, the class that its scans have, and the one that they would have."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Some scans: up to which key they were looked at, how many they were, and what changes of which share."""

    last: int
    scans: int
    changes: Counter[Change]


def request_reclassification(*, apply: bool, actor: Actor) -> Job:
    """
    Have the present classifier replayed over the log, to look at what changes or to `apply` it.

    The job's result: how many scans were looked at and would change or did, by share and from which class to which.
    Doing it twice changes nothing more.
    """
    return submit_job(
        kind=RECLASSIFY,
        arguments={"apply": apply, "classifier": CLASSIFIER},
        owner=actor.owner_id,
        login=actor.login.public_id,
    )


@runs_job(RECLASSIFY)
def reclassify(job: Job) -> Iterator[Step]:
    """Some thousands of scans at a step; what a step has changed and where it ended commit together."""
    until, after, looked, changes = _begin(job)
    while True:
        replayed = reclassify_some(after=after, until=until, apply=job.arguments["apply"])
        if not replayed.scans:
            yield Step(done=until, total=until, result=_result(looked, changes))
            return
        after, looked = replayed.last, looked + replayed.scans
        changes.update(replayed.changes)
        kept = {"until": until, "after": after, "looked": looked, "changes": _written(changes)}
        yield Step(done=after, total=until, checkpoint=kept)


def reclassify_some(*, after: int, until: int, apply: bool) -> Replayed:
    """Look at the next scans by key, behind `after` and up to `until`, and change them where `apply` says so."""
    with connection.cursor() as cursor:
        cursor.execute(_LOGGED, [after, until, settings.SCANS_RECLASSIFIED_AT_ONCE])
        logged = cursor.fetchall()
    scans, claims, changes = dict[int, str](), dict[int, str](), Counter[Change]()
    for scan_id, share_id, old, agent, signals, claimed_as, by_sharer in logged:
        new = classify(agent, signals)
        if by_sharer and new == ScanClass.HUMAN:
            new = ScanClass.SELF
        if new != old and not (old == ScanClass.SELF and new == ScanClass.HUMAN):
            scans[scan_id] = new
            changes[share_id, old, new.value] += 1
        if claimed_as not in (None, new):
            claims[scan_id] = new
    if apply and scans:
        correct_classes(scans, classifier=CLASSIFIER)
    if apply and claims:
        _correct_claims(claims)
    return Replayed(logged[-1][0] if logged else after, len(logged), changes)


def _correct_claims(classes: dict[int, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CORRECT_CLAIMS, [list(classes), list(classes.values())])


def _begin(job: Job) -> tuple[int, int, int, Counter[Change]]:
    """Where it ends, where it goes on, and what it has found so far."""
    if job.checkpoint:
        kept = job.checkpoint
        found = Counter({(share, old, new): scans for share, old, new, scans in kept["changes"]})
        return kept["until"], kept["after"], kept["looked"], found
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(id), 0) FROM sharing_scan")
        return cursor.fetchone()[0], 0, 0, Counter()


def _written(changes: Counter[Change]) -> list[list[Any]]:
    return [[*change, scans] for change, scans in changes.items()]


def _result(looked: int, changes: Counter[Change]) -> dict[str, Any]:
    """Those that change most, if there are too many to list."""
    listed = sorted(changes.items(), key=lambda item: (-item[1], item[0]))[: settings.SHARE_REPORT_ROWS_MAX]
    names = Share.objects.in_bulk({share for (share, _old, _new), _scans in listed})
    return {
        "classifier": CLASSIFIER,
        "scans": looked,
        "changed": changes.total(),
        "shares": [
            {"share": names[share].public_id, "from": old, "to": new, "scans": scans}
            for (share, old, new), scans in listed
        ],
        "left_out": len(changes) - len(listed),
    }
