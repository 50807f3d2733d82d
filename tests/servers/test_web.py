"""What is no HTTP request at all, sent to a real web server."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.servers import PROJECT_DIR
from marketplace.servers.processes import wait_until

SOON = 30.0  # seconds


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a gunicorn with our worker."""
    path = tmp_path_factory.mktemp("web") / "socket"
    command = [sys.executable, "-m", "gunicorn", "marketplace.wsgi", "--bind", f"unix:{path}", "--no-control-socket"]
    command += ["--worker-class", "marketplace.web.Worker", "--threads", "2"]
    gunicorn = subprocess.Popen(command, cwd=PROJECT_DIR)
    assert wait_until(path.exists, seconds_max=SOON)
    yield path
    gunicorn.terminate()
    gunicorn.wait(SOON)


def send(path: Path, raw: bytes) -> tuple[str, str]:
    """Send bytes; return the status line and the code of the problem document."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SOON)
        connection.connect(str(path))
        connection.sendall(raw)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return head.decode().splitlines()[0], json.loads(body)["code"]


GET = b"GET /api/v1/items HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /api/v1/accounts HTTP/1.1\r\nHost: localhost\r\n"


class TestWhatIsNoRequest:
    """gunicorn reads requests; what it cannot read is answered like everything else: a status and a stable code."""

    @pytest.mark.parametrize(
        ("raw", "status", "code"),
        [
            (b"nonsense\r\n\r\n", 400, "malformed_request"),
            (b"get / HTTP/1.1\r\n\r\n", 400, "malformed_request"),
            (b"GET / HTTP/9.9\r\n\r\n", 400, "malformed_request"),
            (GET + b"no colon\r\n\r\n", 400, "malformed_request"),
            (GET + b"na me: x\r\n\r\n", 400, "malformed_request"),
            (POST + b"Content-Length: -1\r\n\r\n", 400, "malformed_request"),
            (POST + b"Content-Length: x\r\n\r\n", 400, "malformed_request"),
            (POST + b"Transfer-Encoding: nonsense\r\n\r\n", 411, "length_required"),
            (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
            (GET + b"Header: " + b"x" * 100_000 + b"\r\n\r\n", 431, "headers_too_large"),
            (GET + b"X: y\r\n" * 1000 + b"\r\n", 431, "headers_too_large"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_gets_a_problem_document(self, web: Path, raw: bytes, status: int, code: str) -> None:
        line, said = send(web, raw)

        assert (int(line.split()[1]), said) == (status, code)
