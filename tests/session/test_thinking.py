"""A thinking model from the alias to the scores: the real base, with a template that opens ``<think>`` itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conftest import GOOD, PYPROJECT, MiniProject, example
from evalkit.errors import UnusableModel
from fixtures.convert import base_gguf
from fixtures.thinking import thinking_gguf

if TYPE_CHECKING:
    from evalkit.runs.record import ModelRun, Row

DRAFT = 'A gloomy reader says {"mood": "bad", "strength": 0.1} here.'
ALIASES = """
[tool.evalkit.backends.thinker]
spec = "gguf:THINKING"
thinking = true
prefill = '''DRAFT
</think>

```json
{"mood": "good", "strength": 0.'''
[tool.evalkit.backends.drafter]
spec = "gguf:THINKING"
prefill = 'Perhaps {"mood": "good", "strength":'
[tool.evalkit.backends.closed]
spec = "gguf:THINKING"
thinking = false
prefill = '{"mood": "good", "strength": 0.'
[tool.evalkit.backends.blind]
spec = "gguf:PLAIN"
thinking = false
"""
Asked = tuple["dict[str, ModelRun]", "dict[str, list[Row]]"]
NAMES = ("thinker", "drafter", "closed")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> MiniProject:
    """Two examples, and the models of ``ALIASES``."""
    aliases, made = ALIASES, MiniProject(tmp_path_factory.mktemp("thinking") / "project")
    for word, what in (("THINKING", thinking_gguf()), ("PLAIN", base_gguf()), ("DRAFT", DRAFT)):
        aliases = aliases.replace(word, str(what))
    made.split("test", [example(f"t-{n}", GOOD) for n in range(2)])
    made.write("pyproject.toml", PYPROJECT + aliases)
    return made


@pytest.fixture(scope="module")
def asked(project: MiniProject) -> Iterator[Asked]:
    """Each model's figures and rows."""
    session = project.asked(NAMES)
    runs = {one.name: one for one in session.judged("mood").model_runs}
    rows: dict[str, list[Row]] = {}
    for row in session.rows("mood"):
        if row.split == "test":
            rows.setdefault(row.model, []).append(row)
    yield runs, rows
    session.close()


@pytest.mark.real
def test_the_object_behind_the_reasoning_is_scored_and_the_draft_in_it_is_not(asked: Asked) -> None:
    runs, rows = asked
    samples = [row.samples[0] for row in rows["thinker"]]
    assert all(sample.thinking is not None and DRAFT in sample.thinking for sample in samples)
    assert [sample.value["mood"] for sample in samples if sample.value] == ["good", "good"]
    assert runs["thinker"].rates["test"]["mood"].value == 1.0


@pytest.mark.real
def test_a_draft_that_is_all_there_is_scores_nothing_and_does_not_end_the_writing(asked: Asked) -> None:
    runs, rows = asked
    for row in rows["drafter"]:
        [sample] = row.samples
        assert (sample.value, sample.text) == (None, "")
        assert {"mood": "good"}.items() <= _first_object(sample.thinking or "").items()
        assert sample.finish_reason != "object_closed"
    assert runs["drafter"].rates["test"]["mood"].value == 0.0


def _first_object(text: str) -> dict[str, object]:
    found: dict[str, object] = json.JSONDecoder().raw_decode(text, text.index("{"))[0]
    return found


@pytest.mark.real
def test_thinking_off_renders_an_empty_reasoning_and_has_none(asked: Asked) -> None:
    runs, rows = asked
    assert [row.samples[0].thinking for row in rows["closed"]] == [None, None]
    assert runs["closed"].rates["test"]["mood"].value == 1.0
    assert (runs["closed"].participant.thinking, runs["thinker"].participant.thinking) == (False, True)


@pytest.mark.real
def test_on_and_off_and_the_templates_own_default_are_three_models(asked: Asked) -> None:
    marks = {asked[0][name].participant.fingerprint for name in ("thinker", "drafter", "closed")}
    assert len(marks) == 3


@pytest.mark.real
def test_a_template_without_the_switch_is_one_message_before_a_test_is_run(project: MiniProject) -> None:
    with pytest.raises(UnusableModel, match=r"blind answered nothing: .*the chat template knows no such switch"):
        project.asked(["blind"])
