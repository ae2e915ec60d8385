"""Every bench, one after the other: each line is a ratio with both figures behind it.

    python bench/run.py [--full]

Quick by default; `--full` takes the large sizes and over an hour.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHES = (
    "start",
    "sources",
    "plan",
    "pauses",
    "fleet",
    "hinted",
    "workers",
    "memory",
    "hub",
    "portal",
    "pages",
    "console",
    "overload",
    "proxied",
    "fakes",
    "delivery",
    "peers",
)


def main() -> None:
    failed = []
    for name in BENCHES:
        print(f"== {name}", flush=True)
        script = Path(__file__).with_name(f"{name}.py")
        if subprocess.run([sys.executable, script, *sys.argv[1:]], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"did not finish: {', '.join(failed)}")


if __name__ == "__main__":
    main()
