"""The pytest plugin. It wires: what is decided is decided in evalkit.session.session, gates and runs.

Nothing heavy is imported before a test that carries the ``golden`` mark, or a suite, is there.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

from evalkit.plugin import baselines as plugin_baselines
from evalkit.plugin.outcomes import Reporter
from evalkit.plugin.state import FIXTURES, State, TestTarget, point_of

if TYPE_CHECKING:
    from evalkit.golden.lints.finding import Finding
    from evalkit.golden.model import Task
    from evalkit.judging.answer import Answer
    from evalkit.judging.relation_check import RelationResult
    from evalkit.judging.verdict import Comparison, Verdict
    from evalkit.models.generate import OnProgress
    from evalkit.models.weights.merge_check import MergeReport
    from evalkit.session.session import EvalSession

_MISSED = "evalkit/missed"


STATE = pytest.StashKey[State]()


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
    group.addoption(
        "--samples", type=int, default=1, metavar="K",
        help="ask each example K times and average inside it, where the task's temperature is above 0 (default: 1)",
    )  # fmt: skip
    group.addoption(
        "--lineage", metavar="NAME",
        help="follow the examples through the rungs of [tool.evalkit.lineage.NAME]; tests the last, or --backend",
    )  # fmt: skip
    group.addoption(
        "--max-cost", type=float, metavar="USD",
        help="ask no paid API what might cost more than this in all; what is left unasked is told, and does not ship",
    )  # fmt: skip
    group.addoption(
        "--latency", type=int, nargs="?", const=30, default=0, metavar="N",
        help="also ask each model N examples one by one, to see how long an answer takes (default: 30)",
    )  # fmt: skip
    group.addoption(
        "--sequential", action="store_true",
        help="stop asking a model that is only compared with as soon as every comparison with it is settled",
    )  # fmt: skip
    group.addoption(
        "--format", choices=("text", "markdown"), default="text",
        help="how the tables at the end are written: for a terminal, or as Markdown for a README (default: text)",
    )  # fmt: skip
    group.addoption("--strict-examples", action="store_true", help="make every missed example a failure")
    group.addoption("--last-missed", action="store_true", help="run only the examples that were missed last time")
    plugin_baselines.add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "golden(task, split=('test', 'reference')): run this test for every example of a golden task's splits and "
        "every --backend (fixture: answer), or once for every backend (verdict), comparison (comparison), changed "
        "example (relation) or thing that is found in its data (finding)",
    )
    worker = getattr(config, "workerinput", None)
    config.stash[STATE] = State(worker["evalkit_session"]) if worker else State()
    config.pluginmanager.register(Reporter(config.stash[STATE]), "evalkit-reports")
    if hasattr(config.hook, "pytest_configure_node"):  # xdist is here, under whatever name it was loaded
        from evalkit.plugin import xdist as plugin_xdist

        sharing = plugin_xdist.Sharing(config.stash[STATE], lambda: _progress(config))
        config.pluginmanager.register(sharing, "evalkit-xdist")


# -- before anything runs ---------------------------------------------------------------------------


def pytest_sessionstart(session: pytest.Session) -> None:
    """Finds wrong use early: only a UsageError in here is always exit code 4, with xdist too."""
    config = session.config
    if config.getoption("last_missed") and not config.pluginmanager.hasplugin("cacheprovider"):
        raise pytest.UsageError("--last-missed needs pytest's cache; take -p no:cacheprovider away")
    plugin_baselines.check_spelling(config)
    if not _is_worker(config) and _concerns_suites(config):
        from evalkit.errors import SetupError

        try:
            _session(config).check()
            plugin_baselines.check(config, _session(config))
        except SetupError as error:
            raise pytest.UsageError(str(error)) from error


def _concerns_suites(config: pytest.Config) -> bool:
    """Whether this session is about golden suites: a backend was named, or an argument leads to a suites folder."""
    named = any(config.getoption(name) for name in ("backend", "against", "lineage"))
    if named or plugin_baselines.given(config):
        return True
    from evalkit._internal.toml import read_table, suites_of
    from evalkit.errors import ConfigError

    root = config.rootpath
    try:
        folders = [root / name for name in suites_of(root, read_table(root))]
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from error
    places = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    return any(
        folder.is_dir() and (place.is_relative_to(folder) or folder.is_relative_to(place))
        for folder in folders
        for place in places
    )


def _session(config: pytest.Config) -> EvalSession:
    """This process's evalkit session, made at first use."""
    state = config.stash[STATE]
    if state.session is None:
        from evalkit.errors import SetupError
        from evalkit.models.config import read_config
        from evalkit.session.session import EvalSession

        try:
            state.session = EvalSession(
                read_config(config.rootpath),
                config.getoption("backend"),
                config.getoption("against"),
                config.getoption("split"),
                state.identity,
                config.getoption("samples"),
                config.getoption("lineage"),
                config.getoption("max_cost"),
                config.getoption("latency"),
                config.getoption("sequential"),
            )
        except SetupError as error:
            raise pytest.UsageError(str(error)) from error
    return state.session


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


# -- collecting -------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("golden")
    fixtures = [name for name in FIXTURES if name in metafunc.fixturenames]
    if mark is None or not fixtures:
        return
    from evalkit.errors import SetupError

    session, where = _session(metafunc.config), metafunc.definition.nodeid
    if len(fixtures) > 1:
        _misuse(metafunc.config, f"{where}: takes {' and '.join(fixtures)}; a golden test is about one of them")
    if not (len(mark.args) == 1 and isinstance(mark.args[0], str) and mark.kwargs.keys() <= {"split"}):
        got = ", ".join([*map(repr, mark.args), *(f"{key}={value!r}" for key, value in mark.kwargs.items())])
        _misuse(
            metafunc.config, f'{where}: got golden({got}), expected golden("task") or golden("task", split="malformed")'
        )
    try:
        task = session.task(mark.args[0])
        if fixtures != ["finding"]:
            session.participants.need_models(task)
        plugin_baselines.check_task(metafunc.config, session, task)
        points = _points(session, task, fixtures[0], mark)
    except SetupError as error:
        _misuse(metafunc.config, f"{where}: {error}")
    metafunc.parametrize(fixtures[0], points.values(), ids=list(points), indirect=True)


def _misuse(config: pytest.Config, message: str) -> NoReturn:
    """A CollectError is shown without a traceback; the exit code is mended at the end of the session."""
    config.stash[STATE].misused = True
    raise pytest.Collector.CollectError(message)


def _points(session: EvalSession, task: Task, fixture: str, mark: pytest.Mark) -> dict[str, TestTarget]:
    if fixture == "verdict":
        return {backend: TestTarget(task.name, backend) for backend in session.participants.tested(task)}
    if fixture == "comparison":
        return {
            f"{candidate}-against-{rival}-{score}": TestTarget(task.name, candidate, rival=rival, score=score)
            for _, candidate, rival, score in session.participants.comparisons(task)
        }
    if fixture == "merge":
        return {name: TestTarget(task.name, name) for name in session.participants.merges(task)}
    if fixture == "finding":
        found = enumerate(session.findings(task))
        return {f"{one.lint}-{number}": TestTarget(task.name, "", finding=number) for number, one in found}
    if fixture == "relation":
        return {
            f"{backend}-{name}": TestTarget(task.name, backend, one.of.id, variant=name)
            for backend in session.participants.tested(task)
            for name, one in session.variants(task).items()
        }
    examples = session.examples(task, mark.kwargs.get("split", ("test", "reference")))
    return {
        f"{backend}-{example.id}": TestTarget(task.name, backend, example.id)
        for backend in session.participants.tested(task)
        for example in examples
    }


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("last_missed"):
        missed = set(config.cache.get(_MISSED, []))
        dropped = [item for item in items if item.nodeid not in missed]
        items[:] = [item for item in items if item.nodeid in missed]
        config.hook.pytest_deselected(items=dropped)
    _drop_pointless(config, items)
    state = config.stash[STATE]
    if state.misused and _is_worker(config) and not config.option.continue_on_collection_errors:
        items.clear()  # xdist would run what there is, where pytest alone stops; and asking may cost money
    for item in items:
        point = point_of(item)
        if point is not None and point.example:
            # On the item, not by record_property, which warns under xunit2.
            item.user_properties.append(("evalkit", f"{point.task} {point.backend} {point.asked[-1]}"))


def _drop_pointless(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that no model is for (of merges, where none is one): deselected, or pytest would show it as skipped."""
    idle = [
        item
        for item in items
        if (callspec := getattr(item, "callspec", None)) and item.get_closest_marker("golden")
        if any(name in callspec.params and not isinstance(callspec.params[name], TestTarget) for name in FIXTURES)
    ]
    if idle:
        items[:] = [item for item in items if item not in idle]
        config.hook.pytest_deselected(items=idle)


# -- asking -----------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Asks the models what the selected tests need, once, before the first test."""
    found = [(item.nodeid, point) for item in getattr(session, "items", ()) if (point := point_of(item))]
    points = [point for _, point in found]
    option = session.config.option
    # After an error in collecting pytest runs nothing; xdist runs what there is.
    stops = session.testsfailed and not option.continue_on_collection_errors and not _is_worker(session.config)
    if points and not option.collectonly and not stops:
        session.config.stash[STATE].golden = [name for name, point in found if point.example]
        _ask(session.config, points)
    return (yield)


def _ask(config: pytest.Config, points: Sequence[TestTarget]) -> None:
    from evalkit.session.session import Requested

    session, state = _session(config), config.stash[STATE]
    wish = Requested()
    for point in points:
        examples = point.asked or session.scored(session.task(point.task))
        for name in (point.backend, point.rival):
            # Whom it is only compared with is asked anyway.
            if name in session.participants.backends:
                wish.add(point.task, name, examples)
    state.selection = wish.selection
    session.ask(wish.selection, _progress(config))
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not _is_worker(config):
        for sentence in session.idle():
            reporter.write_line(f"WARNING: {sentence}", yellow=True)


def _progress(config: pytest.Config) -> OnProgress:
    from evalkit.models.backends.floors import FLOORS
    from evalkit.session.progress import ProgressLine

    if _is_worker(config):
        from evalkit.plugin.xdist import note_progress

        return note_progress(_session(config))
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return lambda _: None
    reporter.ensure_newline()
    line = ProgressLine(
        reporter.write_line, (lambda text: reporter.rewrite(text, erase=True)) if sys.stdout.isatty() else None
    )
    return lambda progress: None if progress.alias in FLOORS else line(progress)


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> Answer:
    """What the backend answered to one golden example: text, value, strict, defects, scores.

    With --samples an example still has one test, which sees the weakest sample with the means of all their scores: a
    score is right only where every sample is. ``answer.samples`` has them one by one.
    """
    point = _asked(request)
    with _plainly():
        return _session(request.config).answer(point.task, point.backend, point.example)


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Verdict:
    """Whether the backend ships: the task's thresholds, must-pass examples and hypotheses."""
    point = _asked(request)
    with _plainly():
        return _session(request.config).verdict(point.task, point.backend)


@pytest.fixture
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """One declared hypothesis, or one pair that was asked for."""
    point = _asked(request)
    with _plainly():
        return _session(request.config).comparison(point.task, point.backend, point.rival, point.score)


@pytest.fixture
def relation(request: pytest.FixtureRequest) -> RelationResult:
    """Whether a relation of the task holds on one example: ``assert relation.holds, relation``.

    One for each ``[relations.<name>]`` of task.toml and each of the examples that it changes; no label is needed.
    """
    point = _asked(request)
    with _plainly():
        return _session(request.config).relation(point.task, point.backend, point.variant)


@pytest.fixture
def merge(request: pytest.FixtureRequest) -> MergeReport:
    """Whether a merged model really holds its base plus its adapter, told from the weights: ``assert merge.whole``.

    One for each backend, and each rung of the lineage, whose parents in pyproject.toml lead to an adapter.
    """
    point = _asked(request)
    with _plainly():
        return _session(request.config).participants.merge(point.task, point.backend)


@pytest.fixture
def finding(request: pytest.FixtureRequest) -> Finding:
    """Something that may be wrong with the task's examples, as ``evalkit lint`` finds it: ``assert finding.waived``.

    One for each finding; where there is none the test is not there. Notes are left out.
    """
    point = _asked(request)
    with _plainly():
        session = _session(request.config)
        return session.findings(session.task(point.task))[point.finding]


@contextmanager
def _plainly() -> Iterator[None]:
    """What the harness has to say, without a traceback through it: the same may be said of a hundred examples."""
    from evalkit.errors import EvalkitError

    try:
        yield
    except EvalkitError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def _asked(request: pytest.FixtureRequest) -> TestTarget:
    point = getattr(request, "param", None)
    if not isinstance(point, TestTarget):
        what = f'the fixture {request.fixturename!r} needs @pytest.mark.golden("task")'
        pytest.fail(f"{request.node.nodeid}: {what}", pytrace=False)
    return point


# -- at the end -------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judges every backend whose split was run whole, with or without a test that asks for its verdict."""
    config, state = session.config, session.config.stash[STATE]
    if _is_worker(config):
        told = {"selection": state.selection, "golden": state.golden, "misused": state.misused}
        config.workeroutput["evalkit"] = told  # type: ignore[attr-defined]
        return
    if state.misused:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    _remember_misses(config, state)
    if not state.selection and plugin_baselines.given(config) and session.exitstatus == pytest.ExitCode.OK:
        if not config.option.collectonly:
            state.trouble, session.exitstatus = plugin_baselines.NOTHING_RUN, pytest.ExitCode.TESTS_FAILED
        return
    if not state.selection or not _ran(config, exitstatus):
        return
    from evalkit.errors import EvalkitError
    from evalkit.session.finish import finish

    try:
        state.finished_run = finish(
            _session(config), state.selection, "pytest " + " ".join(config.invocation_params.args), state.outcomes(),
            plugin_baselines.wanted(config),
        )  # fmt: skip
        code = state.finished_run.exit_code
    except (EvalkitError, OSError) as error:
        state.trouble, code = f"no verdict: {error}", pytest.ExitCode.TESTS_FAILED
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = code


def _ran(config: pytest.Config, exitstatus: int) -> bool:
    """Whether pytest came to its end, by itself or by --maxfail."""
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return True
    if exitstatus != pytest.ExitCode.INTERRUPTED:
        return False
    if config.pluginmanager.hasplugin("dsession"):
        from evalkit.plugin.xdist import stopped_by_failures

        if stopped_by_failures(config):
            return True
    told = "no verdict: interrupted. What was answered is stored; the same command goes on there."
    config.stash[STATE].trouble = told
    return False


def _remember_misses(config: pytest.Config, state: State) -> None:
    """As --lf does: what was not run this time stays as it was."""
    cache = getattr(config, "cache", None)  # absent under -p no:cacheprovider
    ended = {name: state.ended[name] for name in state.golden if name in state.ended}
    if ended and cache is not None:
        before = set(cache.get(_MISSED, [])) - ended.keys()
        cache.set(_MISSED, sorted(before | {name for name, how in ended.items() if how == "missed"}))


def pytest_unconfigure(config: pytest.Config) -> None:
    state = config.stash.get(STATE, None)
    if state is not None and state.session is not None:
        state.session.close()


def _told_spent(state: State) -> str:
    if state.session is None:
        return ""
    from evalkit.errors import EvalkitError

    try:
        return state.session.spent()
    except EvalkitError:
        return ""  # the store can't be read: that is told where it is needed


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    state = config.stash[STATE]
    spent = _told_spent(state)
    if state.finished_run is None and not state.trouble and not spent:
        return
    terminalreporter.section("evalkit", bold=True)
    if spent:
        terminalreporter.write_line(spent)
    if state.finished_run is not None:
        from evalkit.reports import markdown, terminal

        run, screen = state.finished_run.run, terminalreporter._tw
        as_markdown = config.getoption("format") == "markdown"
        told = markdown.render(run) if as_markdown else terminal.render(run, screen.fullwidth, screen.hasmarkup)
        terminalreporter.write(told, flush=True)
        for path in state.finished_run.written:
            terminalreporter.write_line(f"written: {path}")
        state.trouble = state.finished_run.trouble
    if state.trouble:
        terminalreporter.write_line(state.trouble, red=True)
