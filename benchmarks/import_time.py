"""What evalkit adds to a pytest session that uses none of it: seconds of an empty session, with and without the plugin.

Run it as ``python benchmarks/import_time.py [PAIRS]``. The two kinds of session are run in turn; the figure to quote
is the median of the differences.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median


def session(folder: Path, *options: str) -> float:
    """Wall-clock seconds of one pytest session with one empty test in ``folder``."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def main(pairs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing(): pass\n")
        session(folder)  # bytecode is written and files are in memory afterwards
        measured = [(session(folder), session(folder, "-p", "no:evalkit")) for _ in range(pairs)]
    with_it, without = [one for one, _ in measured], [other for _, other in measured]
    added = median(one - other for one, other in measured)
    print(f"an empty session: {median(with_it):.3f} s with evalkit, {median(without):.3f} s without")
    print(f"evalkit adds {added:.3f} s (median of {pairs} pairs)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 11)
