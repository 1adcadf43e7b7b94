"""The pytest plugin. It wires: what is decided is decided in evalkit.session, gates and runs.

Nothing heavy is imported before a test that carries the ``golden`` mark, or a suite, is there.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evalkit.answers import Answer
    from evalkit.conclusion import Conclusion
    from evalkit.gates import Comparison, Verdict
    from evalkit.session import Selection, Session
    from evalkit.tasks import Example, Task

_MISS = "miss: "
_MISSED = "evalkit/missed"
_FIXTURES = ("answer", "verdict", "comparison")


@dataclass(slots=True)
class State:
    """What the plugin remembers in one process of one pytest session."""

    session: Session | None = None
    selection: Selection = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    missed: dict[str, str] = field(default_factory=dict)
    conclusion: Conclusion | None = None
    trouble: str = ""


STATE = pytest.StashKey[State]()


@dataclass(frozen=True, slots=True)
class Point:
    """What one golden test is about: a parameter of ``answer``, ``verdict`` or ``comparison``."""

    task: str
    backend: str
    example: str = ""
    number: int = 0


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("evalkit", "evaluation of fine-tuned models")
    group.addoption(
        "--backend", action="append", default=[], metavar="ALIAS",
        help="model to test: an alias of [tool.evalkit.backends] or a spec such as gguf:model.gguf; repeatable",
    )  # fmt: skip
    group.addoption(
        "--against",
        action="append",
        default=[],
        metavar="ALIAS",
        help="model to compare with, not tested itself; repeatable",
    )
    group.addoption("--split", choices=("test", "dev"), default="test", help="split that is judged (default: test)")
    group.addoption("--strict-examples", action="store_true", help="make every missed example a failure")
    group.addoption("--last-missed", action="store_true", help="run only the examples that were missed last time")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "golden(task, split=('test', 'reference')): run this test for every example of a golden task's splits and "
        "every --backend (fixture: answer), or once for every backend (verdict) or comparison (comparison)",
    )
    config.stash[STATE] = State()
    config.pluginmanager.register(Recorder(config.stash[STATE]), "evalkit-recorder")
    if config.pluginmanager.hasplugin("xdist"):
        from evalkit import plugin_xdist

        config.pluginmanager.register(plugin_xdist.Sharing(config.stash[STATE]), "evalkit-xdist")


# -- before anything runs ---------------------------------------------------------------------------


def pytest_sessionstart(session: pytest.Session) -> None:
    """Finds wrong use early: only a UsageError in here is always exit code 4, with xdist too."""
    config = session.config
    if not _is_worker(config) and _concerns_suites(config):
        from evalkit.errors import SetupError

        try:
            _session(config).check()
        except SetupError as error:
            raise pytest.UsageError(str(error)) from error


def _concerns_suites(config: pytest.Config) -> bool:
    """Whether this session is about golden suites: a backend was named, or an argument leads to a suites folder."""
    if config.getoption("backend") or config.getoption("against"):
        return True
    from evalkit.config import read_config
    from evalkit.errors import ConfigError

    try:
        folders = [config.rootpath / name for name in read_config(config.rootpath).suites]
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from error
    places = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    return any(
        folder.is_dir() and (place.is_relative_to(folder) or folder.is_relative_to(place))
        for folder in folders
        for place in places
    )


def _session(config: pytest.Config) -> Session:
    """This process's evalkit session, made at first use."""
    state = config.stash[STATE]
    if state.session is None:
        from evalkit.config import read_config
        from evalkit.errors import SetupError
        from evalkit.session import Session

        try:
            state.session = Session(
                read_config(config.rootpath),
                config.getoption("backend"),
                config.getoption("against"),
                config.getoption("split"),
                _identity(config),
            )
        except SetupError as error:
            raise pytest.UsageError(str(error)) from error
    return state.session


def _identity(config: pytest.Config) -> str:
    if _is_worker(config):
        return str(config.workerinput["evalkit_session"])  # type: ignore[attr-defined]
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{token_hex(2)}"


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


# -- collecting -------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("golden")
    fixture = next((name for name in _FIXTURES if name in metafunc.fixturenames), None)
    if mark is None or fixture is None:
        return
    from evalkit.errors import SetupError

    session = _session(metafunc.config)
    try:
        task = session.task(_task_name(mark, metafunc.definition.nodeid))
        points = _points(session, task, fixture, mark)
    except SetupError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from error
    metafunc.parametrize(fixture, points.values(), ids=list(points), indirect=True)


def _task_name(mark: pytest.Mark, where: str) -> str:
    if len(mark.args) == 1 and isinstance(mark.args[0], str) and set(mark.kwargs) <= {"split"}:
        return mark.args[0]
    raise pytest.UsageError(f'{where}: got {mark}, expected golden("task") or golden("task", split="malformed")')


def _points(session: Session, task: Task, fixture: str, mark: pytest.Mark) -> dict[str, Point]:
    if fixture == "verdict":
        return {backend: Point(task.name, backend) for backend in session.backends}
    if fixture == "comparison":
        return {
            f"{candidate}-against-{rival}-{score}": Point(task.name, candidate, number=number)
            for number, (_, candidate, rival, score) in enumerate(session.comparisons(task))
        }
    given = mark.kwargs.get("split", ("test", "reference"))
    splits = [session.split if name == "test" else name for name in ((given,) if isinstance(given, str) else given)]
    return {
        f"{backend}-{example.id}": Point(task.name, backend, example.id)
        for backend in session.backends
        for split in splits
        for example in task.splits.get(split, ())
    }


def _point(item: pytest.Item) -> Point | None:
    callspec = getattr(item, "callspec", None)
    found = (callspec.params.get(name) for name in _FIXTURES) if callspec else ()
    return next((value for value in found if isinstance(value, Point)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("last_missed"):
        if getattr(config, "cache", None) is None:
            raise pytest.UsageError("--last-missed needs pytest's cache; take -p no:cacheprovider away")
        missed = set(config.cache.get(_MISSED, []))
        dropped = [item for item in items if item.nodeid not in missed]
        items[:] = [item for item in items if item.nodeid in missed]
        config.hook.pytest_deselected(items=dropped)
    for item in items:
        point = _point(item)
        if point is not None and point.example:
            # On the item, not by record_property, which warns under xunit2.
            item.user_properties.append(("evalkit", f"{point.task} {point.backend} {point.example}"))


# -- asking -----------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Asks the models what the selected tests need, once, before the first test."""
    points = [point for item in getattr(session, "items", ()) if (point := _point(item))]
    if points and not session.config.option.collectonly and not session.testsfailed:
        _ask(session.config, points)
    return (yield)


def _ask(config: pytest.Config, points: Sequence[Point]) -> None:
    from evalkit.runs import scored_examples
    from evalkit.session import Wish

    session, state = _session(config), config.stash[STATE]
    wish = Wish()
    for point in points:
        examples = [point.example] if point.example else scored_examples(session.task(point.task), session.split)
        wish.add(point.task, point.backend, examples)
    state.selection = wish.selection
    session.ask(wish.selection, _progress(config))


def _progress(config: pytest.Config) -> Any:
    from evalkit.progress import ProgressLine

    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or _is_worker(config):
        return lambda _: None
    reporter.ensure_newline()
    return ProgressLine(
        reporter.write_line, (lambda line: reporter.rewrite(line, erase=True)) if sys.stdout.isatty() else None
    )


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> Answer:
    """What the backend answered to one golden example: text, value, strict, defects, scores."""
    point = _asked(request)
    return _session(request.config).answer(point.task, point.backend, point.example)


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Verdict:
    """Whether the backend ships: the task's thresholds, must-pass examples and hypotheses."""
    point = _asked(request)
    found = _session(request.config).judged(point.task).verdict(point.backend)
    assert found is not None, f"no verdict on {point.backend}: its split was not run whole"
    return found


@pytest.fixture
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """One declared hypothesis, or one pair that was asked for."""
    point = _asked(request)
    session = _session(request.config)
    _, candidate, rival, score = session.comparisons(session.task(point.task))[point.number]
    return next(
        one
        for one in session.judged(point.task).comparisons
        if (one.candidate, one.against, one.score) == (candidate, rival, score)
    )


def _asked(request: pytest.FixtureRequest) -> Point:
    if not isinstance(getattr(request, "param", None), Point):
        raise pytest.UsageError(
            f'{request.node.nodeid}: the fixture {request.fixturename!r} needs @pytest.mark.golden("task")'
        )
    point: Point = request.param
    return point


# -- reporting --------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    point = _point(item)
    if point is None or not point.example or call.excinfo is None or call.when != "call":
        return report
    from evalkit.runs import scored_examples

    session = _session(item.config)
    example = scored_examples(session.task(point.task), session.split)[point.example]
    report.sections.append(("golden example", _shown(session, point, example)))
    wrong = call.excinfo.errisinstance(AssertionError)
    strict = example.must_pass or item.config.getoption("strict_examples")
    if wrong and (example.known_fail or not strict):
        why = f"known to fail: {example.known_fail}" if example.known_fail else _first_line(call.excinfo.value)
        # "skipped" with wasxfail: -x passes over it, JUnit says skipped, xdist keeps it.
        report.outcome = "skipped"
        report.wasxfail = _MISS + why
    return report


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _shown(session: Session, point: Point, example: Example) -> str:
    answer = session.answer(point.task, point.backend, point.example)
    told = {**example.input, "expected": dict(example.expected), "answer": answer.text, "defects": answer.defects}
    lines = [f"{example.where}, answered by {point.backend}"]
    lines += [f"{name:>12}: {value!r}" for name, value in told.items()]
    return "\n".join(lines)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    if report.skipped and str(getattr(report, "wasxfail", "")).startswith(_MISS):
        return "missed", "m", ("MISS", {"yellow": True})
    return None


@dataclass(frozen=True, slots=True)
class Recorder:
    """Counts how golden tests ended. What it counts rides on the reports, so a crashed worker loses none."""

    state: State

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not any(name == "evalkit" for name, _ in report.user_properties):
            return
        if report.when == "call":
            why = str(getattr(report, "wasxfail", "")) if report.skipped else ""
            self.state.outcomes["missed" if why.startswith(_MISS) else report.outcome] += 1
            if why.startswith(_MISS):
                self.state.missed[report.nodeid] = why.removeprefix(_MISS)
        elif report.failed:
            self.state.outcomes["error"] += 1


# -- at the end -------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judges every backend whose split was run whole, with or without a test that asks for its verdict."""
    config, state = session.config, session.config.stash[STATE]
    if _is_worker(config):
        config.workeroutput["evalkit"] = state.selection  # type: ignore[attr-defined]
        return
    cache = getattr(config, "cache", None)  # absent under -p no:cacheprovider
    if state.outcomes and cache is not None:
        cache.set(_MISSED, sorted(state.missed))
    if not state.selection or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return
    from evalkit.conclusion import conclude
    from evalkit.errors import EvalkitError

    try:
        state.conclusion = conclude(
            _session(config), state.selection, "pytest " + " ".join(config.invocation_params.args), state.outcomes
        )
        code = state.conclusion.exit_code
    except (EvalkitError, OSError) as error:
        state.trouble, code = str(error), pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = code


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    state = config.stash[STATE]
    if state.conclusion is None and not state.trouble:
        return
    terminalreporter.section("evalkit", bold=True)
    if state.trouble:
        terminalreporter.write_line(f"no verdict: {state.trouble}", red=True)
    if state.conclusion is not None:
        from evalkit.reports.terminal import render

        width = terminalreporter._tw.fullwidth
        terminalreporter.write(
            render(state.conclusion.run, width=width, color=terminalreporter._tw.hasmarkup), flush=True
        )
        for path in state.conclusion.written:
            terminalreporter.write_line(f"written: {path}")
