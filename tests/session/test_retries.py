"""A real base that is asked again: the conversation goes on by its own chat template, and each attempt is counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import GOOD, PYPROJECT, MiniProject, example
from evalkit.judging.answer import Answer
from evalkit.session.session import EvalSession
from fixtures.convert import base_gguf

NAMES = tuple(f"t-{number}" for number in range(4))
ALIASES = """
once = "gguf:BASE"
again = { spec = "gguf:BASE", retries = 1 }
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvalSession]:
    """The base on four examples, none of which it answers in JSON: asked once, and with one retry."""
    project = MiniProject(tmp_path_factory.mktemp("retries") / "project")
    project.split("test", [example(name, GOOD) for name in NAMES])
    project.write("pyproject.toml", PYPROJECT + ALIASES.replace("BASE", str(base_gguf())))
    session = project.asked(("once", "again"))
    yield session
    session.close()


@pytest.fixture(scope="module")
def asked_again(session: EvalSession) -> list[Answer]:
    """The answers that took two attempts."""
    answers = [session.answer("mood", "again", name) for name in NAMES]
    return [answer for answer in answers if answer.earlier]


@pytest.mark.real
def test_who_did_not_answer_strictly_is_asked_again_and_nobody_else(session: EvalSession) -> None:
    first = [session.answer("mood", "once", name) for name in NAMES]
    again = [session.answer("mood", "again", name) for name in NAMES]
    assert [len(answer.earlier) for answer in again] == [0 if answer.strict else 1 for answer in first]
    assert not all(answer.strict for answer in first)


@pytest.mark.real
def test_it_reads_its_own_answer_as_its_own_turn_and_what_is_wrong_as_the_users(asked_again: list[Answer]) -> None:
    for answer in asked_again:
        [first] = answer.earlier
        own = (
            f"<|im_start|>assistant\n{first.text.strip()}<|im_end|>\n<|im_start|>user\nYour last answer can't be used."
        )
        assert own in (answer.completion.rendered or "")
        assert (answer.completion.rendered or "").startswith((first.completion.rendered or "-").rstrip("\n"))


@pytest.mark.real
def test_tokens_are_those_of_both_attempts(session: EvalSession, asked_again: list[Answer]) -> None:
    session.judged("mood")
    rows = {row.example: row for row in session.rows("mood") if row.model == "again"}
    for answer in asked_again:
        [first] = answer.earlier
        [sample] = rows[answer.example.id].samples
        counts = (first.completion.completion_tokens, answer.completion.completion_tokens)
        assert sample.completion_tokens == sum(count or 0 for count in counts) > max(count or 0 for count in counts)


@pytest.mark.real
def test_the_first_attempts_are_the_answers_of_who_is_asked_once(
    session: EvalSession, asked_again: list[Answer]
) -> None:
    firsts = {answer.example.id: answer.earlier[0].completion for answer in asked_again}
    assert firsts == {name: session.answer("mood", "once", name).completion for name in firsts}
