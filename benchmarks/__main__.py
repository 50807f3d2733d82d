"""
`make bench`: every benchmark, one after the other; each says what it measures and against what.

`make bench` runs them all; `python -m benchmarks NAME …` those named. With `--write` those that measure keep
their figures in RESULTS.md. Exit code 1 where one is beyond its limit.
"""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import benchmarks
from benchmarks.harness.report import WRITE

WRITE_OPTION = "--write"


def names() -> list[str]:
    """Modules; packages are what they share."""
    found = (module for module in pkgutil.iter_modules(benchmarks.__path__) if not module.ispkg)
    return sorted(module.name for module in found if module.name != "__main__")


def run(name: str) -> bool:
    print(f"\n=== {name}", flush=True)
    root = Path(__file__).parent.parent
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=root, env=os.environ).returncode == 0


def main() -> int:
    wanted = [argument for argument in sys.argv[1:] if argument != WRITE_OPTION] or names()
    if WRITE_OPTION in sys.argv:
        os.environ[WRITE] = "1"
    unknown = [name for name in wanted if name not in names()]
    if unknown:
        print(f"There is no benchmark {unknown[0]}; there are: {', '.join(names())}.", file=sys.stderr)
        return 2
    beyond = [name for name in wanted if not run(name)]
    print(f"\nBeyond their limits: {', '.join(beyond) or 'none'}.")
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
