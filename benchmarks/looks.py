"""How often useless models get past the ledger, attack by attack, by simulation.

Run it as ``python benchmarks/looks.py [TRIES]``: it prints a Markdown table and, with ``--write``, puts it into
docs/verdicts.md. With 4,000 tries a rate of 2.5 % is known to about half a point.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from attacks_on_looks import ATTACKS, outcomes, without_ledger  # noqa: E402
from tables import write  # noqa: E402

from evalkit.golden.ledger_lines import chained  # noqa: E402
from evalkit.golden.looks import Ledger  # noqa: E402
from evalkit.stats.intervals import clopper_pearson  # noqa: E402


class InMemory(Ledger):
    """A ledger whose lines are written nowhere."""

    @staticmethod
    def append(_folder: Path, before: str, table: Mapping[str, Any]) -> dict[str, Any]:
        return chained(before, table)


def lines(tries: int) -> Iterator[str]:
    """The table: how often anything shipped with the ledger, and without one."""
    yield f"| {tries:,} tries each | anything ships, in % | 95 % interval | without a ledger |"
    yield "|---|---:|---:|---:|"
    for name, attack in ATTACKS.items():
        shipped = sum(outcomes(attack, tries, InMemory.read))
        rate = clopper_pearson(shipped, tries)
        naive = sum(outcomes(without_ledger(attack), tries, InMemory.read)) / tries
        low, high = (100 * bound for bound in (rate.low or 0.0, rate.high or 0.0))
        yield f"| {name} | {100 * shipped / tries:.2f} | {low:.2f} to {high:.2f} | {100 * naive:.1f} |"


def main() -> None:
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    table = list(lines(numbers[0] if numbers else 4_000))
    print(*table, sep="\n")
    if "--write" in sys.argv:
        write("verdicts.md", {"attacks": table})


if __name__ == "__main__":
    main()
