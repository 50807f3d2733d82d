"""What core's tables promise by themselves, and what is forgotten in time."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session as BrowserData
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import tasks as accounts_tasks
from accounts.models import Session
from accounts.sessions import open_session
from core import forgetting, tasks
from core.append_only import append_only
from core.models import AttemptCount, ClockOffset, IdempotencyRecord


class TestWrittenOnce:
    """Tables under `append_only` take new rows and nothing else."""

    @pytest.fixture
    def written(self, db):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE written (id int)")
            cursor.execute(append_only("written").sql)
            cursor.execute("INSERT INTO written VALUES (1)")
            yield cursor

    @pytest.mark.parametrize("change", ["UPDATE written SET id = 2", "DELETE FROM written", "TRUNCATE written"])
    def test_every_change_is_refused(self, written, change):
        with pytest.raises(IntegrityError, match="rows are written once"), transaction.atomic():
            written.execute(change)

        written.execute("SELECT id FROM written")
        assert written.fetchall() == [(1,)]

    def test_an_update_that_hits_nothing_is_no_change(self, written):
        written.execute("UPDATE written SET id = 2 WHERE id = 7")


class TestClockRow:
    def test_there_is_one_clock(self, db):
        ClockOffset.objects.create()
        with pytest.raises(IntegrityError):
            ClockOffset.objects.create(id=2)


class TestPurge:
    """Old answers, old windows and old sessions are forgotten; others stay."""

    def test_core_forgets_answers_and_windows(self, db, settings):
        now = timezone.now()
        for key, age in [("old", timedelta(days=31)), ("young", timedelta(days=29))]:
            IdempotencyRecord.objects.create(owner="acc_1", key=key, request_digest="", created_at=now - age)
            AttemptCount.objects.create(scope="x", subject=key, window_ends_at=now + timedelta(days=30) - age)

        tasks.purge()

        assert IdempotencyRecord.objects.get().key == "young"
        assert AttemptCount.objects.get().subject == "young"

    def test_however_much_there_is(self, db, monkeypatch):
        monkeypatch.setattr(forgetting, "CHUNK_ROWS", 2)
        for number in range(5):
            AttemptCount.objects.create(scope="x", subject=str(number), window_ends_at=timezone.now())

        assert forgetting.delete_in_chunks(AttemptCount.objects.all()) == 5

    def test_accounts_forgets_sessions(self, buyer):
        now = timezone.now()
        long_ago = now - timedelta(days=91)
        for device, change in [
            ("expired", {"expires_at": long_ago}),
            ("ended", {"ended_at": long_ago}),
            ("ended lately", {"ended_at": now}),
            ("living", {}),
        ]:
            session = open_session(account=buyer, device=device).session
            Session.objects.filter(pk=session.pk).update(**change)
        BrowserData.objects.create(session_key="old", expire_date=long_ago)

        accounts_tasks.purge()

        assert set(Session.objects.values_list("device", flat=True)) == {"ended lately", "living"}
        assert not BrowserData.objects.exists()
