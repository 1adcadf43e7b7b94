"""What a run of 50,000 examples and two models costs: to store, to report, to open, to read, in seconds and in memory.

Run it as ``python benchmarks/run_record.py [EXAMPLES]``. Rows are made one at a time, as a session makes them; memory
is what Python holds at its peak beyond what it held before. Then come the sizes of the files that a run leaves.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from evalkit.reports import jsonl
from evalkit.reports.large import WorstRows
from evalkit.runs.record import Row, RowScore, Run, Sample, no_rows
from evalkit.runs.store import RunStore
from evalkit.session.finish import write

T = TypeVar("T")


MODELS = ("tuned", "base")


def rows(count: int) -> Iterator[Row]:
    """Rows as long as those of the demo, of each of ``MODELS``."""
    for model, number in product(MODELS, range(count)):
        value = {"direction": "up", "confidence": number % 100 / 100, "reason": f"the {number}th headline says so"}
        yield Row(
            task="market", model=model, example=f"t-{number}", keys=(f"{number:064x}",), split="test",
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
        measured("store all rows", lambda: store.save(run, rows(count)))
        measured("store, keep the worst", lambda: store.save(run, WorstRows(run).watched(rows(count))))
        worst = WorstRows(run)
        passed = sum(1 for _ in worst.watched(rows(count)))
        reports = worst.for_reports(no_rows)
        written = measured("write the reports", lambda: write(run, *reports, Path(folder, "reports")))
        sizes = {path.name: path.stat().st_size for path in written}
        measured("open the header", lambda: store.run("run-1"))
        measured("read one example", lambda: list(store.rows("run-1", example="t-7")))
        measured("read one model", lambda: sum(1 for _ in store.rows("run-1", model="base")))
        read = measured("read all rows", lambda: sum(1 for _ in store.rows("run-1")))
        assert read == passed, f"{read} of {passed} rows came back"
        measured("report all rows", lambda: sum(map(len, jsonl.render(run, lambda *only: store.rows("run-1", *only)))))
    with TemporaryDirectory() as folder:
        path = Path(folder, "store.sqlite")
        for size_of in ("the first run", "a second run"):
            before = path.stat().st_size if path.exists() else 0
            with closing(RunStore(path)) as store:
                store.save(replace(run, id=size_of), rows(count))
            print(f"{f'size of {size_of}':<24} {(path.stat().st_size - before) / 2**20:7.2f} MiB")
    for name, size in sizes.items():
        print(f"{f'size of {name}':<24} {size / 2**20:7.2f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
