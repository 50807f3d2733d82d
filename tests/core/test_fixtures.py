"""The fixtures keep their promises."""

import os
import subprocess
import sys

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account
from tests.conftest import make_account


class TestCommittedDatabase:
    """A test that commits has a database of its own."""

    @pytest.mark.parametrize("_time", [1, 2])
    def test_what_one_test_commits_another_never_sees(self, committed_db, new_account, _time):
        assert Account.objects.count() == 0
        new_account()
        assert connection.settings_dict["NAME"] == committed_db.name

    def test_threads_race_on_their_own_connections(self, committed_db, race):
        outcomes = race(lambda: make_account(username="same"), lambda: make_account(username="same"))

        assert {type(outcome) for outcome in outcomes} == {Account, IntegrityError}
        assert Account.objects.count() == 1

    def test_a_subprocess_sees_what_is_committed(self, committed_db, new_account):
        new_account(username="seen-from-outside")
        code = (
            "import django; django.setup(); from accounts.models import Account; print(Account.objects.get().username)"
        )
        seen = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **committed_db.environment},
            capture_output=True,
            text=True,
            check=True,
        )
        assert seen.stdout.strip() == "seen-from-outside"


class TestStatements:
    """Statement budgets count the work, not the bracket around it."""

    def test_transactions_and_savepoints_are_not_counted(self, db, statements, new_account):
        account = new_account()
        with statements() as seen, transaction.atomic(), transaction.atomic():
            Account.objects.get(pk=account.pk)

        assert len(seen) == 1, str(seen)
