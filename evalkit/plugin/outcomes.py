"""How the tests of a suite end: a missed example is an expected failure with its answer shown, not an error."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evalkit._internal.outside_text import one_line
from evalkit.plugin.state import State, TestTarget, target_of

if TYPE_CHECKING:
    from evalkit.golden.model import Example
    from evalkit.session.session import EvalSession

_STATUS = "evalkit_status"
"""The attribute of a report that says how a golden test ended where pytest has no word for it."""

_Status = tuple[str, str, tuple[str, dict[str, bool]]]
_WORDS: Mapping[str, _Status] = {
    "missed": ("missed", "m", ("MISS", {"yellow": True})),
    "inconclusive": ("inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})),
}


@dataclass(frozen=True, slots=True, eq=False)  # pytest keeps its plugins in sets
class Reporter:
    """Turns misses into expected failures, and notes how each test ended."""

    state: State

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        target, session = target_of(item), self.state.session
        if target is None or session is None or call.excinfo is None or call.when != "call":
            return report
        wrong = call.excinfo.errisinstance(AssertionError)
        if not target.example:
            left_open = _left_open(item)
            if wrong and left_open and session.config.code_of_open(left_open) != 1:
                # What it means for the exit code is said at the end, by inconclusive_win and inconclusive_no_loss.
                _mark(report, "inconclusive", _reason(call.excinfo.value))
            return report

        example = session.example(session.task(target.task), target.example_ids[-1])
        report.sections.append(("golden example", _shown(session, target, example)))
        strict = example.must_pass or self.state.options.strict_examples
        if wrong and (example.known_fail or not strict):
            known_fail = f"known to fail: {example.known_fail}" if example.known_fail else ""
            _mark(report, "missed", known_fail or _reason(call.excinfo.value))
        return report

    def pytest_report_teststatus(self, report: pytest.TestReport) -> _Status | None:
        return _WORDS.get(getattr(report, _STATUS, ""))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # From reports only, so a crashed worker's are not lost.
        if report.when in ("setup", "teardown"):
            if report.failed:
                self.state.ended[report.nodeid] = "error"
            elif report.skipped:
                self.state.ended[report.nodeid] = "skipped"
        else:  # "call", or xdist's "???" of a test that took its worker down
            missed = getattr(report, _STATUS, "") == "missed"
            self.state.ended[report.nodeid] = "missed" if missed else report.outcome


def _mark(report: pytest.TestReport, status: str, reason: str) -> None:
    """Makes an expected failure of it: -x passes over it, JUnit says skipped, xdist keeps it."""
    report.outcome = "skipped"
    report.wasxfail = one_line(reason)
    setattr(report, _STATUS, status)


def _left_open(item: pytest.Item) -> tuple[str, ...]:
    """The kinds of hypothesis that the verdict or comparison of this test leaves open; none where it is decided."""
    from evalkit.judging.comparison import Comparison
    from evalkit.judging.reason import Status
    from evalkit.judging.verdict import Verdict

    for judged in (getattr(item, "funcargs", {}).get(name) for name in ("verdict", "comparison")):
        if isinstance(judged, Verdict) and judged.is_red:
            return ()
        if isinstance(judged, Verdict | Comparison) and judged.status is Status.INCONCLUSIVE:
            return judged.open if isinstance(judged, Verdict) else (judged.kind,)
    return ()


def _reason(error: BaseException) -> str:
    """The first line of what a failed assertion says, without the words that its status says already."""
    line = next(iter(str(error).splitlines()), "") or type(error).__name__
    status = "INCONCLUSIVE. "
    return line.partition(status)[2] if status in line else line.removeprefix("assert ")


def _shown(session: EvalSession, target: TestTarget, example: Example) -> str:
    answer = session.answer(target.task, target.backend, example.id)
    fields = {**example.input, "expected": dict(example.expected), "answer": answer.text, "defects": answer.defects}
    lines = [f"{example.where}, answered by {target.backend}"]
    lines += [f"{name:>12}: {value!r}" for name, value in fields.items()]
    return "\n".join(lines)
