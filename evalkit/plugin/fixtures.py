"""The fixtures that golden tests take: what a model answered, and what is judged of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from evalkit.plugin.state import STATE, TestTarget, eval_session

if TYPE_CHECKING:
    from evalkit.golden.lints.finding import Finding
    from evalkit.judging.answer import Answer
    from evalkit.judging.comparison import Comparison
    from evalkit.judging.relation_check import RelationResult
    from evalkit.judging.verdict import Verdict
    from evalkit.models.weights.merge_check import MergeReport


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> Answer:
    """What the backend answered to one golden example: text, value, strict, defects, scores.

    With --samples an example still has one test, which sees the weakest sample with the means of all their scores: a
    score is right only where every sample is. ``answer.samples`` has them one by one.
    """
    target = _target(request)
    with _plainly(request.config):
        return eval_session(request.config).answer(target.task, target.backend, target.example)


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Verdict:
    """Whether the backend ships: the task's thresholds, must-pass examples and hypotheses.

    Skips the test where nothing is decided: on dev, and where the examples are not what was frozen.
    """
    target = _target(request)
    with _plainly(request.config):
        _need_verdict(request.config, target)
        return eval_session(request.config).verdict(target.task, target.backend)


@pytest.fixture
def comparison(request: pytest.FixtureRequest) -> Comparison:
    """One declared hypothesis, or one pair that was asked for.

    Skips the test where nothing is decided, as ``verdict`` does.
    """
    target = _target(request)
    with _plainly(request.config):
        _need_verdict(request.config, target)
        return eval_session(request.config).comparison(target.task, target.backend, target.rival, target.score)


@pytest.fixture
def relation(request: pytest.FixtureRequest) -> RelationResult:
    """Whether a relation of the task holds on one example: ``assert relation.holds, relation``.

    One for each ``[relations.<name>]`` of task.toml and each of the examples that it changes; no label is needed.
    """
    target = _target(request)
    with _plainly(request.config):
        return eval_session(request.config).relation(target.task, target.backend, target.perturbed)


@pytest.fixture
def merge(request: pytest.FixtureRequest) -> MergeReport:
    """Whether a merged model really holds its base plus its adapter, told from the weights: ``assert merge.whole``.

    One for each backend, and each rung of the lineage, whose parents in pyproject.toml lead to an adapter.
    """
    target = _target(request)
    with _plainly(request.config):
        return eval_session(request.config).participants.merge(target.task, target.backend)


@pytest.fixture
def finding(request: pytest.FixtureRequest) -> Finding:
    """Something that may be wrong with the task's examples, as ``evalkit lint`` finds it: ``assert finding.waived``.

    One for each finding; where there is none the test is not there. Notes are left out.
    """
    target = _target(request)
    with _plainly(request.config):
        session = eval_session(request.config)
        return session.findings(session.task(target.task))[target.finding]


@contextmanager
def _plainly(config: pytest.Config) -> Iterator[None]:
    """What the harness has to say, without a traceback through it: the same may be said of a hundred examples."""
    from evalkit.errors import EvalkitError

    try:
        yield
    except EvalkitError as error:
        raise pytest.fail.Exception(config.stash[STATE].project.spell(error), pytrace=False) from None


def _need_verdict(config: pytest.Config, target: TestTarget) -> None:
    from evalkit.judging import wording

    without = eval_session(config).no_verdict(target.task, target.backend)
    if without is not None:
        pytest.skip(wording.no_verdict(without))


def _target(request: pytest.FixtureRequest) -> TestTarget:
    target = getattr(request, "param", None)
    if not isinstance(target, TestTarget):
        what = f'the fixture {request.fixturename!r} needs @pytest.mark.golden("task")'
        pytest.fail(f"{request.node.nodeid}: {what}", pytrace=False)
    return target
