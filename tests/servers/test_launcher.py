import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg2
import pytest
import redis

from marketplace.servers import PROJECT_DIR, Embedded, Launcher, Places, ServersUnavailable, binaries, using
from marketplace.servers.binaries import postgres_programs, redis_program
from marketplace.servers.owner import Owner
from marketplace.servers.processes import wait_until, working_in
from marketplace.servers.server import EmbeddedServer

from .conftest import Launch, Notes

SOON = 60.0  # seconds


def padded(base: Path, length: int) -> Path:
    """A directory whose path has exactly `length` bytes, or as few as `base` allows."""
    return base / ("v" * max(1, length - len(os.fsencode(base)) - 1))


def pid_of(server: EmbeddedServer) -> int:
    found = server.find()
    assert found is not None
    return found.pid


def is_running(launcher: Launcher) -> bool:
    return any(server.find() for server in launcher.servers)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not _works(pid), seconds_max=SOON)


def _works(pid: int) -> bool:
    try:
        os.readlink(f"/proc/{pid}/cwd")
    except FileNotFoundError:
        return False
    return True


class TestVarDir:
    """VAR_DIR may have any name and any length, and everything that lasts is in it."""

    @pytest.mark.parametrize("name", ["plain", "with, comma", "with space", "100 %s%%", "käse", 'it\'s "quoted"'])
    def test_any_name_will_do_and_the_data_stay(self, launch: Launch, tmp_path: Path, name: str) -> None:
        first = launch(tmp_path / name)
        Notes(first).write("kept")
        assert first.leave()

        second = launch(tmp_path / name)

        assert Notes(second).read() == ["kept"]
        assert redis.Redis(unix_socket_path=str(second.places.redis_socket)).ping()

    @pytest.mark.parametrize("length", [60, 120])
    def test_any_length_will_do(self, launch: Launch, open_dir: Path, length: int) -> None:
        launcher = launch(padded(open_dir, length))
        Notes(launcher).write("there")

        assert len(os.fsencode(launcher.places.var_dir)) == length
        assert launcher.places.sockets_are_inside is (length == 60)

    def test_removing_it_begins_anew_even_while_the_servers_run(self, launch: Launch, tmp_path: Path) -> None:
        old = launch(tmp_path / "some, where")
        Notes(old).write("forgotten")
        orphans = [pid_of(server) for server in old.servers]
        shutil.rmtree(tmp_path / "some, where")

        new = launch(tmp_path / "some, where")

        with pytest.raises(psycopg2.errors.UndefinedTable):
            Notes(new).read()
        assert not any(_works(pid) for pid in orphans)

    def test_sockets_outside_it_are_in_a_directory_of_ours_or_nowhere(self, tmp_path: Path) -> None:
        places = Places.of(tmp_path / "a,b")
        places.sockets.symlink_to(tmp_path)  # What another user of the machine could have laid there.
        try:
            with pytest.raises(ServersUnavailable, match="not a directory of ours"):
                Launcher(Embedded(places)).join()
        finally:
            places.sockets.unlink()


class TestKilled:
    """Whatever a killed run leaves behind is no obstacle for the next one."""

    def test_everything_killed_starts_again_with_its_data(self, launch: Launch) -> None:
        first = launch()
        Notes(first).write("kept")
        for server in first.servers:
            for process in working_in(server.data, server.process_names):
                process.send(signal.SIGKILL)

        assert Notes(launch()).read() == ["kept"]

    def test_a_busy_orphan_of_a_killed_postgres_is_ended_first(self, launch: Launch) -> None:
        first = launch()
        Notes(first).write("kept")
        busy = Notes(first).connect()
        query = "SELECT count(*) FROM generate_series(1, 100000000000)"
        backend = busy.get_backend_pid()
        asked = subprocess.Popen(
            [sys.executable, "-c", f"import psycopg2; psycopg2.connect({busy.dsn!r}).cursor().execute({query!r})"],
            stderr=subprocess.DEVNULL,
        )
        busy.close()
        is_busy = f"SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid NOT IN (pg_backend_pid(), {backend})"
        assert wait_until(lambda: bool(Notes(first).run(is_busy)), seconds_max=SOON)
        kill(pid_of(first.servers[0]))

        second = launch()

        assert Notes(second).read() == ["kept"]
        assert asked.wait(SOON) != 0
        assert not Notes(second).run(is_busy.replace("active", "idle"))

    def test_a_pid_file_that_names_a_living_stranger_is_recognised(self, launch: Launch) -> None:
        first = launch()
        Notes(first).write("kept")
        owner = first.places.owner
        pid_file = first.places.postgres_data / "postmaster.pid"
        socket_lock = first.servers[0].socket.with_name(".s.PGSQL.5432.lock")
        kill(pid_of(first.servers[0]))
        stranger = subprocess.Popen(["/bin/sleep", "60"], **owner.run_as())
        try:
            for lock in (pid_file, socket_lock):
                lock.write_text("\n".join([str(stranger.pid), *lock.read_text().splitlines()[1:]]) + "\n")

            assert Notes(launch()).read() == ["kept"]
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_broken_off_initdb_leaves_nothing_that_looks_like_data(self, launch: Launch, tmp_path: Path) -> None:
        half_made = tmp_path / "var" / "postgres.new"
        half_made.mkdir(parents=True)
        (half_made / "PG_VERSION").write_text("18\n")

        Notes(launch()).write("works")

        assert not half_made.exists()

    def test_a_server_that_has_lost_its_socket_is_replaced(self, launch: Launch) -> None:
        first = launch()
        before = [pid_of(server) for server in first.servers]
        for server in first.servers:
            server.socket.unlink()

        second = launch()

        assert all(server.answers() for server in second.servers)
        assert not set(before) & {pid_of(server) for server in second.servers}


class TestJoining:
    """Everybody uses the same servers, and the last one to leave stops them."""

    def test_running_servers_are_adopted(self, launch: Launch) -> None:
        first, second = launch(), launch()

        assert [pid_of(server) for server in first.servers] == [pid_of(server) for server in second.servers]

    def test_the_last_one_stops_them(self, launch: Launch) -> None:
        first, second = launch(), launch()

        assert not first.leave()
        assert is_running(second)
        assert second.leave()
        assert not is_running(second)

    def test_who_was_killed_counts_no_longer(self, launch: Launch, tmp_path: Path) -> None:
        launcher = launch()
        other = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys, time\n"
                "from marketplace.servers import *\n"
                "Launcher(Embedded(Places.of(sys.argv[1]), durable=False)).join()\n"
                "print('joined', flush=True)\n"
                "time.sleep(60)",
                tmp_path / "var",
            ],
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
        )
        assert other.stdout is not None
        assert other.stdout.readline() == b"joined\n"
        other.kill()
        other.communicate()

        assert launcher.leave()

    def test_starting_at_the_same_moment_starts_once(self, tmp_path: Path) -> None:
        script = (
            "import sys\n"
            "from marketplace.servers import *\n"
            "with using(Embedded(Places.of(sys.argv[1]), durable=False)) as launcher:\n"
            "    print(*(server.find().pid for server in launcher.servers), flush=True)\n"
            "    sys.stdin.read()\n"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "var")]
        crowd = [
            subprocess.Popen(command, cwd=PROJECT_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)
        ]
        seen = {one.stdout.readline() for one in crowd if one.stdout}
        for one in crowd:
            one.communicate()

        assert len(seen) == 1
        assert not is_running(Launcher(Embedded(Places.of(tmp_path / "var"))))

    def test_the_servers_are_nobody_elses_to_enter(self, launch: Launch) -> None:
        places = launch().places

        for directory in (places.sockets, places.postgres_data, places.redis_data, places.logs):
            assert directory.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
class TestRoot:
    """Root's servers run without rights; an ordinary user's run as that user."""

    def test_servers_run_as_somebody_without_rights(self, launch: Launch) -> None:
        for server in launch().servers:
            assert Path(f"/proc/{pid_of(server)}").stat().st_uid == server.owner.uid != 0

    def test_var_dir_may_lie_in_a_closed_home(self, launch: Launch, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir(mode=0o700)

        launcher = launch(home / "marketplace" / "var")
        Notes(launcher).write("there")

        assert launcher.places.postgres_data.parent.parent.parent == home
        assert home.stat().st_mode & 0o777 == 0o700
        assert not launcher.places.sockets_are_inside

    def test_programs_in_a_closed_home_are_copied_and_a_swept_copy_is_made_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_dir: Path
    ) -> None:
        user = Owner(65534, 65534)
        wheel = postgres_programs(Owner(0, 0)).parent.parent
        closed = tmp_path / "site-packages"
        closed.mkdir(mode=0o700)
        shutil.copytree(wheel / "pginstall18", closed / wheel.name / "pginstall18")
        shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), closed / f"{wheel.name}.libs")
        monkeypatch.setattr(binaries, "_installed", lambda package: closed / wheel.name)
        monkeypatch.setattr(binaries, "COPY_BASES", (open_dir,))

        first = postgres_programs(user)
        (first.parent / "lib" / "postgresql" / "plpgsql.so").unlink()
        second = postgres_programs(user)

        assert first == second
        assert first.is_relative_to(open_dir)
        assert (first.parent / "lib" / "postgresql" / "plpgsql.so").exists()
        initdb = subprocess.run([first / "initdb", "--version"], **user.run_as(), capture_output=True, check=True)
        assert b"PostgreSQL" in initdb.stdout

    def test_an_ordinary_user_starts_and_root_joins(
        self, launch: Launch, open_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user = Owner(65534, 65534)
        wheel, redis_server = postgres_programs(user).parent.parent, redis_program(user)
        monkeypatch.setattr(binaries, "_installed", lambda package: wheel)  # As if the project lay in an open home.
        monkeypatch.setattr(binaries, "_find_redis", lambda: redis_server)
        home = open_dir / "home"
        user.make_private(home)
        here, there = FORK.Pipe()
        ordinary = FORK.Process(target=use_servers_as, args=(user, home / "var", there))
        ordinary.start()
        try:
            assert here.poll(SOON)
            pids = here.recv()
            root = launch(home / "var")

            assert pids == [pid_of(server) for server in root.servers]
            assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {user.uid}
            assert not root.leave()
        finally:
            here.send("enough")
            ordinary.join(SOON)

    def test_what_root_has_made_is_refused_to_others_in_a_sentence(self, launch: Launch, open_dir: Path) -> None:
        launch(open_dir / "var")
        here, there = FORK.Pipe()
        stranger = FORK.Process(target=use_servers_as, args=(Owner(1, 1), open_dir / "var", there))
        stranger.start()

        assert here.poll(SOON)
        assert "belongs to another user" in here.recv()
        stranger.join(SOON)


FORK = multiprocessing.get_context("fork")
"""A forked process has our modules already: it need not reach an interpreter that lies in root's closed home."""


def use_servers_as(owner: Owner, var_dir: Path, there: Connection) -> None:
    """Become `owner`, use the servers, tell their process ids, and leave when told."""
    os.setgroups([])
    os.setgid(owner.gid)
    os.setuid(owner.uid)
    try:
        with using(Embedded(Places.of(var_dir), durable=False)) as launcher:
            assert launcher is not None
            there.send([pid_of(server) for server in launcher.servers])
            there.recv()
    except ServersUnavailable as refusal:
        there.send(str(refusal))
