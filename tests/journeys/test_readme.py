"""The README's walk, as printed, through a running house."""

import os
import subprocess

from tests.docs.pages import PROJECT, blocks
from tests.journeys.house import House

README = PROJECT / "README.md"
WALK_SECONDS_MAX = 120


def walk() -> str:
    """The block that registers, tops up, orders, pays, refunds and proves."""
    return next(block.text for block in blocks(README, "sh") if "/accounts" in block.text)


class TestTheWalk:
    """A newcomer copies the block and sees what the page says."""

    def test_it_ends_with_the_sum_that_the_page_promises(self, house: House) -> None:
        walked = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", walk()],
            env=os.environ | {"API": f"http://127.0.0.1:{house.port}/api/v1"},
            capture_output=True,
            text=True,
            timeout=WALK_SECONDS_MAX,
        )
        assert walked.returncode == 0, walked.stderr + walked.stdout
        *answers, last = walked.stdout.strip().splitlines()
        assert f"`{last}`" in README.read_text(), walked.stdout
        assert "problem" not in walked.stdout
        assert '    "balanced": true,' in answers
        assert '    "booked": true' in answers
        assert walked.stderr == ""
