import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from marketplace.servers import PROJECT_DIR, Embedded, Launcher, Places
from settings.connections import Connections, connect, database_at


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT_DIR,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def is_running(var_dir: Path) -> bool:
    return any(server.find() for server in Embedded(Places.of(var_dir)).servers())


class TestManage:
    """A command in a second terminal uses the running servers, or has them for as long as it runs."""

    ASK = "from django.db import connection as c; k = c.cursor(); k.execute('SELECT pg_postmaster_start_time()'); "

    def test_it_starts_the_servers_and_stops_them_again(self, tmp_path: Path) -> None:
        done = manage("shell", "-c", self.ASK + "print(k.fetchone())", VAR_DIR=str(tmp_path))

        assert "datetime" in done.stdout, done.stderr
        assert not is_running(tmp_path)

    def test_it_joins_running_servers_and_leaves_them(self, tmp_path: Path) -> None:
        launcher = Launcher(Embedded(Places.of(tmp_path)))
        launcher.join()
        try:
            done = manage("shell", "-c", self.ASK + "print(k.fetchone())", VAR_DIR=str(tmp_path))

            assert "datetime" in done.stdout, done.stderr
            assert is_running(tmp_path)
        finally:
            launcher.leave()

    def test_a_command_that_needs_no_servers_starts_none(self, tmp_path: Path) -> None:
        assert manage("version", VAR_DIR=str(tmp_path / "var")).returncode == 0
        assert not (tmp_path / "var" / "postgres").exists()

    def test_a_var_dir_that_cannot_be_is_refused_in_one_sentence(self) -> None:
        done = manage("migrate", VAR_DIR="/dev/null/var")

        assert done.returncode != 0
        assert done.stderr.startswith("VAR_DIR cannot be used: ")
        assert done.stderr.count("\n") == 1

    def test_the_secret_is_made_once_and_nobody_elses_to_read(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret_key"

        assert manage("version", VAR_DIR=str(tmp_path)).returncode == 0
        first = secret.read_text()
        assert manage("version", VAR_DIR=str(tmp_path)).returncode == 0

        assert len(first) >= 50
        assert secret.read_text() == first
        assert secret.stat().st_mode & 0o777 == 0o600


class TestProduction:
    """Production starts with all its secrets or not at all."""

    COMPLETE = {
        "DJANGO_SETTINGS_MODULE": "settings.production",
        "SECRET_KEY": "secret",
        "DATABASE_URL": "postgres://user:password@localhost/marketplace",
        "REDIS_URL": "redis://localhost/0",
        "ALLOWED_HOSTS": "marketplace.example",
    }

    @pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_a_missing_one_is_named_in_one_sentence(self, name: str, value: str | None) -> None:
        environment = {**self.COMPLETE, name: value}
        done = manage("check", **{name: value for name, value in environment.items() if value is not None})

        assert done.returncode != 0
        assert done.stderr == f"Set {name} in the environment: production has no default for it.\n"


class TestConnections:
    """DATABASE_URL and REDIS_URL put real servers in the place of the embedded ones, each for itself."""

    def test_real_servers_leave_nothing_to_start(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://us%40er:p%2Fss@db.example:5433/shop?sslmode=require")
        monkeypatch.setenv("REDIS_URL", "rediss://:pw@redis.example:6380/2")

        connections = connect(tmp_path)
        database = connections.databases["default"]

        assert connections.embedded is None
        assert (database["USER"], database["PASSWORD"], database["HOST"]) == ("us@er", "p/ss", "db.example")
        assert (database["PORT"], database["NAME"], database["OPTIONS"]["sslmode"]) == ("5433", "shop", "require")
        assert connections.broker_url == connections.redis_url == "rediss://:pw@redis.example:6380/2"

    def test_one_real_server_leaves_the_other_to_start(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/shop")
        monkeypatch.delenv("REDIS_URL", raising=False)

        embedded = connect(tmp_path).embedded

        assert embedded is not None
        assert (embedded.postgres, embedded.redis) == (False, True)

    def test_celery_and_the_cache_write_one_socket_each_in_its_way(self) -> None:
        connections = Connections({}, "unix:///run/a%20b/redis.sock", None)

        assert connections.broker_url == "redis+socket:///run/a%20b/redis.sock"
        assert connections.caches["default"]["LOCATION"] == "unix:///run/a%20b/redis.sock"

    @pytest.mark.parametrize("url", ["postgres://me@%2Ftmp%2FA/shop", "postgresql:///shop?host=/tmp/A&user=me"])
    def test_a_real_server_may_be_behind_a_socket(self, url: str) -> None:
        database = database_at(url)

        assert (database["HOST"], database["USER"], database["NAME"]) == ("/tmp/A", "me", "shop")

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("mysql://db.example/shop", "must begin with postgres"),
            ("postgres://db.example", "must name a database"),
            ("postgres://db.example/shop?colour=red", "cannot be read"),
        ],
    )
    def test_what_is_no_postgres_database_is_refused(self, url: str, reason: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=reason):
            database_at(url)


MAKES_VENVS = """
case "$1 $2" in "-m venv")
    rm -rf .venv
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "$@" >>.venv/asked\\n' >.venv/bin/python
    chmod +x .venv/bin/python
esac
"""  # Stands for a Python whose environments note what they are asked to install.


class TestVenvScript:
    """What the machine lacks is said in one sentence before anything is made."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        (tmp_path / "bin").mkdir()
        shutil.copy(PROJECT_DIR / "bin" / "venv", tmp_path / "bin")
        (tmp_path / "Makefile").touch()
        (tmp_path / "requirements.txt").touch()
        return tmp_path

    def run(self, project: Path, python: str) -> "subprocess.CompletedProcess[str]":
        program = project / "python-to-try"
        program.write_text(f"#!/bin/sh\n{python}\n")
        program.chmod(0o755)
        return subprocess.run(
            [project / "bin" / "venv", "requirements.txt"],
            env={"PATH": os.defpath, "PYTHON": str(program), "REDIS_URL": "redis://there"},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_an_old_python_is_refused(self, project: Path) -> None:
        done = self.run(project, "exit 1")

        assert done.returncode != 0
        assert done.stderr.startswith("Python 3.11 or newer is needed")
        assert done.stderr.count("\n") == 1

    def test_a_python_without_venv_is_refused(self, project: Path) -> None:
        done = self.run(project, 'case "$2" in *ensurepip*) exit 1;; esac')

        assert done.returncode != 0
        assert "install its venv module" in done.stderr
        assert done.stderr.count("\n") == 1

    def test_it_installs_once_until_the_list_changes(self, project: Path) -> None:
        first, second = self.run(project, MAKES_VENVS), self.run(project, MAKES_VENVS)
        (project / "requirements.txt").write_text("# changed\n")
        third = self.run(project, MAKES_VENVS)

        assert "Making .venv" in first.stderr
        assert "Installing requirements.txt" in first.stderr
        assert second.stderr == ""
        assert third.stderr == "Installing requirements.txt (a minute or two).\n"
        assert (project / ".venv" / "asked").read_text().count("-r requirements.txt") == 2

    def test_a_half_made_one_is_made_again(self, project: Path) -> None:
        (project / ".venv" / "bin").mkdir(parents=True)
        (project / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")

        assert "Making .venv" in self.run(project, MAKES_VENVS).stderr
