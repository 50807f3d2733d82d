"""
The long runs on linked identities: every operation by all kinds of account, and a hundred hands on one code.

Measures nothing. Its limits are that nothing leaks (tests/walk, WALK) and that each of RACE_ROUNDS codes admits
exactly one, whatever happens at the same moment (tests/accounts/test_a_hundred_hands.py).
"""

import os
import subprocess
import sys

DEFAULTS = {"WALK": "all", "RACE_ROUNDS": "200"}
TESTS = ["tests/walk", "tests/accounts/test_a_hundred_hands.py"]


def main() -> int:
    command = [sys.executable, "-m", "pytest", "--ds", "settings.test", "-q", "-rP", "-n", "2"]
    return subprocess.run([*command, *TESTS], env={**DEFAULTS, **os.environ}).returncode


if __name__ == "__main__":
    sys.exit(main())
