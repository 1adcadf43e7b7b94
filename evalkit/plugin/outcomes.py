"""How the tests of a suite end: a missed example is an expected failure with its answer shown, not an error."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evalkit.plugin.state import State, TestTarget, point_of

if TYPE_CHECKING:
    from evalkit.golden.model import Example
    from evalkit.session.session import EvalSession

_MISS = "miss: "
_OPEN = "inconclusive: "


@dataclass(frozen=True, slots=True, eq=False)  # pytest keeps its plugins in sets
class Reporter:
    """Turns misses into expected failures, and notes how each test ended."""

    state: State

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        point, session = point_of(item), self.state.session
        if point is None or session is None or call.excinfo is None or call.when != "call":
            return report
        wrong = call.excinfo.errisinstance(AssertionError)
        if not point.example:
            left_open = _left_open(item)
            if wrong and left_open and session.config.code_of_open(left_open) != 1:
                # What it means for the exit code is said at the end, by inconclusive_win and inconclusive_no_loss.
                report.outcome = "skipped"
                report.wasxfail = _OPEN + _first_line(call.excinfo.value)
            return report

        example = session.example(session.task(point.task), point.asked[-1])
        report.sections.append(("golden example", _shown(session, point, example)))
        strict = example.must_pass or item.config.getoption("strict_examples")
        if wrong and (example.known_fail or not strict):
            why = f"known to fail: {example.known_fail}" if example.known_fail else _first_line(call.excinfo.value)
            # "skipped" with wasxfail: -x passes over it, JUnit says skipped, xdist keeps it.
            report.outcome = "skipped"
            report.wasxfail = _MISS + why
        return report

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        why = str(getattr(report, "wasxfail", "")) if report.skipped else ""
        if why.startswith(_MISS):
            return "missed", "m", ("MISS", {"yellow": True})
        if why.startswith(_OPEN):
            return "inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # From reports only, so a crashed worker's are not lost.
        if report.when in ("setup", "teardown"):
            if report.failed:
                self.state.ended[report.nodeid] = "error"
            elif report.skipped:
                self.state.ended[report.nodeid] = "skipped"
        else:  # "call", or xdist's "???" of a test that took its worker down
            missed = report.skipped and str(getattr(report, "wasxfail", "")).startswith(_MISS)
            self.state.ended[report.nodeid] = "missed" if missed else report.outcome


def _left_open(item: pytest.Item) -> tuple[str, ...]:
    """The kinds of hypothesis that the verdict or comparison of this test leaves open; none where it is decided."""
    from evalkit.judging.verdict import Comparison, Status, Verdict

    for found in (getattr(item, "funcargs", {}).get(name) for name in ("verdict", "comparison")):
        if isinstance(found, Verdict | Comparison) and found.status is Status.INCONCLUSIVE:
            return found.open if isinstance(found, Verdict) else (found.kind,)
    return ()


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _shown(session: EvalSession, point: TestTarget, example: Example) -> str:
    answer = session.answer(point.task, point.backend, example.id)
    told = {**example.input, "expected": dict(example.expected), "answer": answer.text, "defects": answer.defects}
    lines = [f"{example.where}, answered by {point.backend}"]
    lines += [f"{name:>12}: {value!r}" for name, value in told.items()]
    return "\n".join(lines)
