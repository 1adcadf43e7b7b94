"""No report lets a text from outside do anything: every text of a run is hostile here."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt

from evalkit.cli.main import main
from evalkit.reports import json as as_json
from evalkit.reports import jsonl, markdown, terminal
from evalkit.reports.page import Page
from evalkit.runs.record import Run
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

HOSTILE = (
    "\x1b[2J\x1b]52;c;aGk=\x07<script>alert(1)</script>![x](http://collect.test/a.png)\r"
    "\n\n# SHIP\n\n**evil: SHIP, keep.**\n| a | b |\u202e\ud800\x9b31m`"
)
PAGE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def hostile(value: Any) -> Any:
    """``value`` with every text in it hostile: not the words that our own code takes for a name of something."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value and f"{value}{HOSTILE}"  # an empty one says that there is nothing
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{field.name: _of_field(field.name, getattr(value, field.name)) for field in fields(value)}
        )
    if isinstance(value, Mapping):
        return {key: hostile(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(hostile, value))
    return value


OUR_WORDS = {
    "role", "kind", "status", "code", "split", "against", "candidate", "backend", "model", "name", "score", "primary",
    "task", "parent", "created", "id", "floor", "of", "decision", "rung", "rungs",
}  # fmt: skip
"""Fields whose values are looked for elsewhere in a run: names of pyproject.toml and task.toml, which are our own."""


def _of_field(name: str, value: Any) -> Any:
    return value if name in OUR_WORDS else hostile(value)


@pytest.fixture
def run(project: MiniProject) -> Run:
    project.answers("tuned", dict.fromkeys(list(project.right())[:3], HOSTILE))
    session = project.asked(("tuned",), ("base",))
    finish(session, session.selection, "pytest suites", {"passed": 12})
    return session.runs.run("latest")


def obeyed(text: str) -> set[str]:
    """The characters in ``text`` that a terminal obeys, or that hide."""
    return {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl")} - {"\n"}


@pytest.mark.parametrize("render", [terminal.render, markdown.render])
def test_no_report_has_a_character_that_a_terminal_obeys(run: Run, render: Callable[..., Iterator[str]]) -> None:
    page = Page(80, color=False, details=True)
    text = "".join(render(hostile(run), lambda: (), page))
    assert text.count("collect.test") > 5
    assert obeyed(text) == set()


def test_no_text_of_a_run_is_markup_in_its_markdown(run: Run) -> None:
    page = PAGE.parse("".join(markdown.render(hostile(run))))
    tokens = [token for block in page for token in (block, *(block.children or ()))]
    assert [token.content for token in tokens if token.type == "html_inline"] == []
    assert {token.type for token in tokens} & {"image", "link_open"} == set()
    blocks = {token.content.strip() for token in tokens if token.type == "html_block"}
    assert all(block.startswith(("<details>", "</details>")) and "<script" not in block for block in blocks)
    ours = [block for block in page if block.type == "heading_open"]
    assert len(ours) == len(run.tasks)


def test_no_text_of_a_run_forges_a_verdict(run: Run) -> None:
    bold = [block for block in PAGE.parse("".join(markdown.render(hostile(run)))) if block.type == "inline"]
    strong = [block.content for block in bold if any(token.type == "strong_open" for token in block.children or ())]
    assert len(strong) == sum(len(task.verdicts) for task in run.tasks)


@pytest.mark.parametrize("render", [as_json.render, jsonl.render])
def test_what_machines_read_is_json_line_by_line(
    run: Run, project: MiniProject, render: Callable[..., Iterator[str]]
) -> None:
    session = project.session(["tuned"])
    text = "".join(render(hostile(run), lambda *_: map(hostile, session.runs.rows(run.id)), Page()))
    for document in [text] if render is as_json.render else text.splitlines():
        json.loads(document)
    assert obeyed(text) == set()


@pytest.mark.parametrize(
    "command", [["show", "latest", "t-01"], ["report"], ["report", "--slices"], ["history", "mood"]]
)
@pytest.mark.usefixtures("run")
def test_no_command_prints_a_character_that_a_terminal_obeys(project: MiniProject, command: list[str]) -> None:
    result = CliRunner().invoke(main, ["--root", str(project.root), *command])
    assert result.exit_code == 0, result.output
    assert obeyed(result.output) == set()
