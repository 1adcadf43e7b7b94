"""What campaigns share: the fixture ``storm``, which draws cases from a seed, checks each, and counts.

A campaign is a test marked ``storm``. It says how many cases it has as a whole, draws one from a Random, and checks it.
``--storm-share`` is how much of each campaign is tried, ``--storm-seed`` what the cases are drawn from: the same seed
and share try the same cases again. The end of a run tells of each campaign what was tried, the slowest case, and what
broke.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import TypeVar

import pytest

SHARE = "1/40"
"""So much of each campaign is tried where nothing is said."""

MOST_BROKEN = 10
"""A campaign ends when so many cases broke: the same fault breaks thousands."""

Case = TypeVar("Case")


@dataclass(slots=True)
class Storm:
    """A campaign under way. ``tried`` counts cases by the kind that their check gave, ``within`` what each has tried,
    ``broken`` says what broke."""

    name: str
    seed: int
    share: Fraction
    tried: Counter[str] = field(default_factory=Counter)
    within: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slowest_case: str = ""

    def run(
        self,
        whole: int,
        draw: Callable[[Random], Case],
        check: Callable[[Case], str],
        *,
        most_seconds: float = float("inf"),
        most_each: float = float("inf"),
    ) -> None:
        """Tries this run's share of ``whole`` cases. ``check`` gives a case's kind, and raises where it broke.

        Broken is also a case that takes more than ``most_each`` seconds of this process: what else the machine does
        is not counted. After ``most_seconds`` it ends, which is told as broken. Raises AssertionError where anything
        broke.
        """
        begun, count = time.monotonic(), max(1, round(whole * self.share))
        for number in range(count):
            if time.monotonic() - begun > most_seconds:
                self.broken.append(f"ended after {number:,} of {count:,} cases, which took {most_seconds:.0f} seconds")
            if len(self.broken) >= MOST_BROKEN or (self.broken and time.monotonic() - begun > most_seconds):
                break
            self._try(number, draw(Random(f"{self.seed} {self.name} {number}")), check, most_each)
        assert not self.broken, self.told()

    def _try(self, number: int, case: Case, check: Callable[[Case], str], most_each: float) -> None:
        begun, worked = time.monotonic(), time.process_time()
        try:
            kind = check(case)
        except Exception as error:
            kind = "broken"
            self.broken.append(f"case {number}: {type(error).__name__}: {_brief(error)} in {_brief(repr(case))}")
        took = time.monotonic() - begun
        if (used := time.process_time() - worked) > most_each:
            self.broken.append(f"case {number}: it took {used:.1f} seconds: {_brief(repr(case))}")
        if took > self.slowest:
            self.slowest, self.slowest_case = took, f"{kind}, case {number}"
        self.tried[kind] += 1

    def told(self) -> str:
        """What was tried and what broke, for people."""
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.tried.items()))
        head = f"{self.name}, seed {self.seed}: {self.tried.total():,} cases, {len(self.broken)} broken"
        if self.within:
            parts = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.within.items()))
            kinds += f"\n  in them {self.within.total():,}: {parts}"
        slowest = f"  slowest {self.slowest:.3f} s ({self.slowest_case})"
        return "\n".join([head, f"  {kinds}", slowest, *(f"  BROKEN {each}" for each in self.broken)])


def _brief(text: object, most: int = 1000) -> str:
    told = str(text).encode("utf-8", "backslashreplace").decode()
    return told if len(told) <= most else f"{told[:most]}... ({len(told):,} characters)"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("storm", "campaigns")
    group.addoption("--storm-seed", type=int, default=1, help="what the cases of campaigns are drawn from (1)")
    group.addoption("--storm-share", type=Fraction, default=SHARE, help=f"how much of each campaign is tried ({SHARE})")


@pytest.fixture
def storm(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Iterator[Storm]:
    """The campaign of this test."""
    config = request.config
    campaign = Storm(request.node.name, config.getoption("storm_seed"), Fraction(config.getoption("storm_share")))
    yield campaign
    record_property("storm", campaign.told())  # a property, so that it comes here from the processes of xdist


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    told = [
        str(text)
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, text in report.user_properties
        if name == "storm"
    ]
    if told:
        terminalreporter.section("campaigns")
        terminalreporter.write_line("\n".join(sorted(told)))
