"""
Requests from the schema, right and wrong, against every operation: the long run of tests/contract.

Measures nothing; its limit is that no input gives a 5xx and that every answer is as the schema says.
SCHEMATHESIS_EXAMPLES says how many examples each operation gets.
"""

import os
import subprocess
import sys

EXAMPLES_DEFAULT = "300"


def main() -> int:
    environment = {"SCHEMATHESIS_EXAMPLES": EXAMPLES_DEFAULT, **os.environ}
    return subprocess.run([sys.executable, "-m", "pytest", "tests/contract", "-n", "2"], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
