"""What a run of 50,000 rows costs: to store, to open, to read, in seconds and in memory.

Run it as ``python benchmarks/run_record.py [ROWS]``. Rows are made one at a time, as a session makes them; memory is
what Python holds at its peak beyond what it held before.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from evalkit.runs.record import Row, RowScore, Run, Sample
from evalkit.runs.store import RunStore

T = TypeVar("T")


def rows(count: int) -> Iterator[Row]:
    """Rows as long as those of the demo."""
    for number in range(count):
        value = {"direction": "up", "confidence": number % 100 / 100, "reason": f"the {number}th headline says so"}
        yield Row(
            task="market", model="tuned", example=f"t-{number}", keys=(f"{number:064x}",), split="test",
            group=f"{number}",
            input={"headline": f"Shares of company {number} rise after a quarter that nobody had foreseen"},
            expected={"direction": "up", "confidence": 0.7},
            samples=(Sample(str(value), value, (), "stop", None, 180, 40, {"answer": 0.4}),),
            scores={name: RowScore(1.0) for name in ("strict", "extractable", "direction", "confidence")},
        )  # fmt: skip


def measured(name: str, work: Callable[[], T]) -> T:
    """Runs ``work`` once for its time and once for its peak of memory, and prints both."""
    begun = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begun
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{name:<24} {seconds:7.2f} s   {peak / 2**20:7.2f} MiB")
    return result


def main(count: int) -> None:
    """Stores, opens and reads a run of ``count`` rows."""
    run = Run("run-1", "2026-01-01T08:00:00+00:00", "pytest suites", {}, {}, ())
    with TemporaryDirectory() as folder, closing(RunStore(Path(folder, "store.sqlite"))) as store:
        measured(f"store {count} rows", lambda: store.save(run, rows(count)))
        measured("open the header", lambda: store.run("run-1"))
        measured("read one example", lambda: list(store.rows("run-1", example="t-7")))
        read = measured("read all rows", lambda: sum(1 for _ in store.rows("run-1")))
        assert read == count, f"{read} of {count} rows came back"
        print(
            f"{'size of the file':<24} {sum(file.stat().st_size for file in Path(folder).iterdir()) / 2**20:7.1f} MiB"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
