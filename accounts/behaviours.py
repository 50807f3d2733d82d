"""Recording what accounts do, in one statement, for the account that acts and for linked ones by their terms."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accounts.actor import Actor
from accounts.models import Account
from accounts.terms import BEHAVIOUR_KINDS, Direction
from core.prepared import Prepared

_RECORD = Prepared(
    "record_behaviours",
    """
    INSERT INTO accounts_behaviour (kind, account_id, link_id, login_account_id, acting_account_id, session_id,
                                    object_id, data, occurred_at)
    SELECT %(kind)s, stored.account_id, stored.link_id, %(login)s, %(acting)s, %(session)s,
           done.object, done.data, %(now)s
    FROM unnest(%(objects)s::text[], %(data)s::text[]::jsonb[]) WITH ORDINALITY AS done(object, data, place), (
        SELECT %(acting)s::bigint AS account_id, NULL::bigint AS link_id
        UNION ALL
        SELECT l.invitee_id, l.id FROM accounts_link l
        WHERE l.inviter_id = %(acting)s AND l.ended_at IS NULL
          AND l.mirror @> %(mirrored)s::jsonb AND l.direction = ANY(%(out)s::text[])
        UNION ALL
        SELECT l.inviter_id, l.id FROM accounts_link l
        WHERE l.invitee_id = %(acting)s AND l.ended_at IS NULL
          AND l.mirror @> %(mirrored)s::jsonb AND l.direction = ANY(%(back)s::text[])
    ) stored
    ORDER BY done.place, stored.link_id NULLS FIRST
    """,
)


def record_behaviour(
    kind: str,
    *,
    by: Actor,
    as_: Account | None = None,
    object_id: str = "",
    data: Mapping[str, Any] | None = None,
    mirrored: bool = True,
    now: datetime,
) -> None:
    """Record one act, as `record_behaviours` does several."""
    record_behaviours(kind, [(object_id, data or {})], by=by, as_=as_, mirrored=mirrored, now=now)


def record_behaviours(
    kind: str,
    done: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    by: Actor,
    as_: Account | None = None,
    mirrored: bool = True,
    now: datetime,
) -> None:
    """
    Record acts of one kind, each as (public id of what it was done to, data), in the acting account's
    storage and, where a living link's terms say so, in the linked one's: one statement, however many.
    In the caller's transaction: what is rolled back was not done.

    `as_`: whose act it is, where that is not the acting account. Operators' acts are not recorded here.
    `mirrored`: False where it concerns nobody but the account itself, whatever its links' terms say.
    `kind`: one of `accounts.terms.BEHAVIOUR_KINDS`.
    """
    assert kind in BEHAVIOUR_KINDS, kind
    acting = as_ or by.acting
    if acting.is_staff:
        return
    _RECORD.run(
        kind=kind,
        mirrored=json.dumps([kind]),
        login=by.login.pk,
        acting=acting.pk,
        session=by.session_id or "",
        objects=[object_id for object_id, _data in done],
        data=[json.dumps(data) for _object_id, data in done],
        now=now,
        out=[Direction.TO_INVITEE, Direction.BOTH] if mirrored else [],
        back=[Direction.TO_INVITER, Direction.BOTH] if mirrored else [],
    )
