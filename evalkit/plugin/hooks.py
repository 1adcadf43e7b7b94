"""The hooks of the plugin. They only wire: what each does stands in the module beside it, and in evalkit.session.

Nothing heavy is imported before a test that carries the ``golden`` mark, or a suite, is there.
"""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest

from evalkit._internal.telling import tell_to
from evalkit.plugin import asking, baselines, collect, options, summary
from evalkit.plugin.fixtures import answer, comparison, finding, merge, relation, verdict
from evalkit.plugin.lines import sayer
from evalkit.plugin.outcomes import Reporter
from evalkit.plugin.state import PROJECT, STATE, Project, State, eval_session, find_root, is_worker
from pytest_evalkit import find_command_problem

__all__ = ["answer", "comparison", "finding", "merge", "relation", "verdict"]


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, object, object]:
    """Adds the short options where the project at hand is one of evalkit, after the conftests have added theirs."""
    try:
        return (yield)
    finally:
        root = find_root(early_config, early_config.known_args_namespace.file_or_dir)
        taken = options.add_short_options(parser) if root is not None else []
        early_config.stash[PROJECT] = Project(root, tuple(taken))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", collect.MARK)
    project = config.stash.get(PROJECT, None) or Project(find_root(config, config.args))
    state = State(options.read_options(config), project)
    if is_worker(config):
        # Nothing is there where the controller was told -p no:evalkit: workers are not told what it blocks.
        state.identity = config.workerinput.get("evalkit_session", state.identity)  # type: ignore[attr-defined]
    config.stash[STATE] = state
    config.pluginmanager.register(Reporter(state), "evalkit-reports")
    if _has_xdist(config):
        from evalkit.plugin.xdist import Sharing

        config.pluginmanager.register(Sharing(state, lambda: asking.show_progress(config)), "evalkit-xdist")


def _has_xdist(config: pytest.Config) -> bool:
    """Whether xdist's plugin is there, under whatever name; pytest-cov makes hooks of its names known without it."""
    module = sys.modules.get("xdist.plugin")
    return module is not None and config.pluginmanager.is_registered(module)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tells what is in the way of evalkit, in a project that uses it."""
    project = config.stash[STATE].project
    if project.root is None:
        return []
    problem = find_command_problem()
    lines = [f"evalkit: {problem}"] if problem else []
    return [*lines, options.describe_taken(project.taken)] if project.taken else lines


def pytest_sessionstart(session: pytest.Session) -> None:
    """Finds wrong use early: only a UsageError in here is always exit code 4, with xdist too."""
    config, state = session.config, session.config.stash[STATE]
    if state.options.last_missed and not config.pluginmanager.hasplugin("cacheprovider"):
        message = "--last-missed needs pytest's cache; take -p no:cacheprovider away"
        raise pytest.UsageError(state.project.spell(message))
    options.check_spelling(config, state.options)
    tell_to(sayer(config))
    if not is_worker(config) and collect.concerns_suites(config):
        from evalkit.errors import SetupError

        try:
            options.check_report(state.options)
            eval_session(config).check_options()
            baselines.check(state.options, eval_session(config))
        except SetupError as error:
            raise pytest.UsageError(state.project.spell(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    collect.generate_tests(metafunc)


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    collect.modify_items(session, items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    with asking.hearing_stops(session):
        asking.ask_for(session)
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Runs no test of a worker where the controller is to end with a message in their place."""
    return True if item.config.stash[STATE].unusable else None


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    summary.finish_session(session, exitstatus)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    summary.write_summary(terminalreporter, config.stash[STATE])


def pytest_unconfigure(config: pytest.Config) -> None:
    state = config.stash.get(STATE, None)
    if state is not None and state.session is not None:
        state.session.close()
