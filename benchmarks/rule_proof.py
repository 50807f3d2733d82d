"""
Rule sets drawn at random, sound and faulty: the long run of tests/billing/test_proof.py.

Measures nothing; its limits are that what passes the check never fails on a valid event, and that a
planted fault of any kind never passes. PROOF_EXAMPLES says how many rule sets are drawn.
"""

import os
import subprocess
import sys

EXAMPLES_DEFAULT = "6000"


def main() -> int:
    environment = {"PROOF_EXAMPLES": EXAMPLES_DEFAULT, **os.environ}
    command = [sys.executable, "-m", "pytest", "--ds", "settings.test", "-q", "-rP", "-n", "2"]
    return subprocess.run([*command, "tests/billing/test_proof.py"], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
