"""Makes the golden mark into tests: one for each model and example, verdict, comparison, relation, merge or finding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from evalkit.plugin import baselines
from evalkit.plugin.state import FIXTURES, STATE, TestTarget, eval_session, is_worker, target_of

if TYPE_CHECKING:
    from evalkit.golden.model import Example, Task
    from evalkit.session.session import EvalSession

MISSED = "evalkit/missed"
"""Where pytest's cache keeps the ids of the tests that were missed last time."""

MARK = (
    "golden(task, split=('test', 'reference'), score=None): run this test for every example of a golden task's splits "
    "(that has that score) and every tested model (fixture: answer), or once for every model (verdict), comparison "
    "(comparison), changed example (relation) or thing that is found in its data (finding)"
)


def concerns_suites(config: pytest.Config) -> bool:
    """Whether this session is about golden suites: a model was named, or an argument leads to the project's suites."""
    state = config.stash[STATE]
    root = state.project.root
    if state.options.names_a_model or state.options.concerns_baselines:
        return True
    if root is None:
        return False
    from evalkit._internal.toml import read_table, suites_of
    from evalkit.errors import ConfigError

    try:
        folders = [root / name for name in suites_of(root, read_table(root))]
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from error
    places = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    return any(
        folder.is_dir() and (place.is_relative_to(folder) or folder.is_relative_to(place))
        for folder in map(Path.resolve, folders)
        for place in places
    )


def generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrizes a test that has the golden mark over what it is about."""
    mark = metafunc.definition.get_closest_marker("golden")
    fixtures = [name for name in FIXTURES if name in metafunc.fixturenames] if mark is not None else []
    fixtures = [name for name in fixtures if _is_ours(metafunc, name)]
    if mark is None or not fixtures:
        return
    from evalkit.errors import SetupError

    config, where = metafunc.config, metafunc.definition.nodeid
    session = eval_session(config)
    if len(fixtures) > 1:
        _misuse(config, f"{where}: takes {' and '.join(fixtures)}; a golden test is about one of them")
    if not (len(mark.args) == 1 and isinstance(mark.args[0], str) and mark.kwargs.keys() <= {"split", "score"}):
        got = ", ".join([*map(repr, mark.args), *(f"{key}={value!r}" for key, value in mark.kwargs.items())])
        _misuse(config, f'{where}: got golden({got}), expected golden("task") or golden("task", split="malformed")')
    try:
        task = session.checked_task(mark.args[0])
        if fixtures != ["finding"]:
            session.participants.need_models(task)
        baselines.check_task(config.stash[STATE].options, session, task)
        targets = _targets(session, task, fixtures[0], mark)
    except SetupError as error:
        _misuse(config, f"{where}: {config.stash[STATE].project.spell(error)}")
    if not targets:
        config.stash[STATE].without_model.add(metafunc.definition.nodeid)
    metafunc.parametrize(fixtures[0], targets.values(), ids=list(targets), indirect=True)


def _is_ours(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether it is evalkit's: a stranger may have a mark, a fixture and a parameter of these names for themselves."""
    if any(fixture in _names(mark) for mark in metafunc.definition.iter_markers("parametrize")):
        return False
    for definition in reversed(metafunc.definition._fixtureinfo.name2fixturedefs.get(fixture, ())):
        if definition.func.__module__ == "evalkit.plugin.fixtures":
            return True
        if fixture not in definition.argnames:
            return False  # one of another's, which doesn't take evalkit's as its own argument
    return False


def _names(parametrize: pytest.Mark) -> Sequence[str]:
    """The arguments that a mark ``parametrize`` gives values to."""
    names = parametrize.kwargs.get("argnames", parametrize.args[0] if parametrize.args else ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


def _misuse(config: pytest.Config, message: str) -> NoReturn:
    """A CollectError is shown without a traceback; the exit code is mended at the end of the session."""
    config.stash[STATE].misused = True
    raise pytest.Collector.CollectError(message)


def _targets(session: EvalSession, task: Task, fixture: str, mark: pytest.Mark) -> dict[str, TestTarget]:
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
        findings = enumerate(session.findings(task))
        return {f"{item.lint}-{number}": TestTarget(task.name, "", finding=number) for number, item in findings}
    if fixture == "relation":
        return {
            f"{backend}-{name}": TestTarget(task.name, backend, perturbed.of.id, perturbed=name)
            for backend in session.participants.tested(task)
            for name, perturbed in session.perturbed(task).items()
        }
    examples = _examples(session, task, mark)
    return {
        f"{backend}-{example.id}": TestTarget(task.name, backend, example.id)
        for backend in session.participants.tested(task)
        for example in examples
    }


def _examples(session: EvalSession, task: Task, mark: pytest.Mark) -> list[Example]:
    """The examples of the mark's splits; those that have its ``score`` where it names one, which may be none."""
    examples = session.examples(task, mark.kwargs.get("split", ("test", "reference")))
    score = mark.kwargs.get("score")
    if score is None:
        return examples
    from evalkit.errors import UnknownName

    if score not in task.scores:
        raise UnknownName(f"score of {task.name}", str(score), task.scores)
    return [example for example in examples if task.scores[score].asked_of(example)]


def modify_items(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Leaves out what was not missed last time, where only that is wanted, and tests that are about no model."""
    config, state = session.config, session.config.stash[STATE]
    _check_tasks(session)
    if state.options.last_missed:
        missed = set(config.cache.get(MISSED, [])) if config.cache is not None else set()
        _deselect(config, items, [item for item in items if item.nodeid not in missed])
    _deselect(config, items, [item for item in items if _test_of(item) in state.without_model])
    if state.options.slice:
        _keep_slices(config, items)
    if state.misused and is_worker(config) and not config.option.continue_on_collection_errors:
        items.clear()  # xdist would run what there is, where pytest alone stops; and asking may cost money
    for item in items:
        target = target_of(item)
        if target is not None and target.example:
            # On the item, not by record_property, which warns under xunit2.
            item.user_properties.append(("evalkit", f"{target.task} {target.backend} {target.example_ids[-1]}"))


def _check_tasks(session: pytest.Session) -> None:
    """What is wrong with the tasks of all collected tests together; with all of golden/, where no test has a task."""
    config, state = session.config, session.config.stash[STATE]
    if session.testsfailed or state.misused:
        return
    tasks = state.session.tasks.read if state.session is not None else {}
    if not tasks and not concerns_suites(config):
        return
    from evalkit.errors import SetupError

    try:
        if tasks:
            eval_session(config).check_selected()
        else:
            eval_session(config).check()
    except SetupError as error:
        if not is_worker(config):
            raise pytest.UsageError(state.project.spell(error)) from error
        state.misused, state.trouble = True, state.project.spell(error)  # a UsageError of a worker would reach nobody


def _keep_slices(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the examples without a wanted tag, and what is about a whole split: a verdict or a comparison."""
    from evalkit.errors import UnknownName

    state, session = config.stash[STATE], eval_session(config)
    wanted, tasks = state.options.slice, session.tasks.read
    known = {tag for task in tasks.values() for example in session.scored(task).values() for tag in example.tags}
    for tag in wanted:
        if tag not in known and tasks:
            message = state.project.spell(UnknownName("tag", tag, known))
            if not is_worker(config):
                raise pytest.UsageError(message)
            state.misused, state.trouble = True, message
            return
    _deselect(config, items, [item for item in items if not _has_tag(session, item, wanted)])


def _has_tag(session: EvalSession, item: pytest.Item, wanted: Sequence[str]) -> bool:
    target = target_of(item)
    if target is None:
        return True  # it asks no model
    if not target.example:
        return False
    return any(tag in wanted for tag in session.example(session.task(target.task), target.example).tags)


def _test_of(item: pytest.Item) -> str:
    """The id of the test of which ``item`` is one case; one that no model is there for pytest would show as skipped."""
    parent, name = item.parent, getattr(item, "originalname", item.name)
    return f"{parent.nodeid}::{name}" if parent is not None else item.nodeid


def _deselect(config: pytest.Config, items: list[pytest.Item], dropped: list[pytest.Item]) -> None:
    if dropped:
        gone = set(dropped)
        items[:] = [item for item in items if item not in gone]
        config.hook.pytest_deselected(items=dropped)
