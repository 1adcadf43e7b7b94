"""Reports render what a stored run says, and compute nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.judging.baseline import BaselineOptions, place, take, write
from evalkit.judging.reason import Status
from evalkit.judging.regression import Regression
from evalkit.reports import json as as_json
from evalkit.reports import jsonl, markdown, notes, terminal
from evalkit.reports.page import Page
from evalkit.runs.compare import scored_model
from evalkit.runs.record import Run, load_run
from evalkit.session.finish import finish

if TYPE_CHECKING:
    from conftest import MiniProject

GOOD, BAD = '{"mood": "good", "strength": 0.9}', '{"mood": "bad", "strength": 0.5}'


def stored(project: MiniProject, *against: str) -> Run:
    """A whole run, as the store gives it back."""
    session = project.asked(("tuned",), against)
    finish(session, session.selection, "pytest suites --backend=tuned", {"passed": 12})
    return session.runs.run("latest")


@pytest.fixture
def run(project: MiniProject) -> Run:
    return stored(project, "base")


def text_of(render: Callable[[Run], Iterator[str]], run: Run) -> str:
    """The report as one text."""
    return "".join(render(run))


def row(text: str, name: str) -> list[str]:
    """The cells of the table's row called ``name``."""
    lines = [line for line in text.splitlines() if line[:1] in ("│", "|")]
    line = next(line for line in lines if line.strip("│| ").startswith(name))
    return [cell.strip() for cell in line.replace("│", "|").strip("|").split("|")]


def on_terminal(run: Run) -> Iterator[str]:
    """The whole of what there is to see on a terminal: what -v shows."""
    return terminal.render(run, page=Page(details=True))


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_a_table_has_a_column_for_each_model_and_a_row_for_each_score(run: Run, render: Any) -> None:
    text = text_of(render, run)
    header = next(line for line in text.splitlines() if "tuned" in line and "oracle" in line)
    order = [header.index(name) for name in ("tuned", "base", "empty", "majority", "error", "oracle")]
    assert order == sorted(order)
    assert row(text, "strict")[1:3] == ["100.0 [75.8, 100.0]", "0.0 [0.0, 24.2]"]
    assert row(text, "strength_mae")[1:3] == ["0.00 (n=12)", "- (n=0)"]
    assert row(text, "malformed (n=1): error")[1].startswith("100.0")


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_the_primary_score_is_marked(run: Run, render: Any) -> None:
    assert row(text_of(render, run), "mood")[0].replace("\\", "") == "mood *"


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_the_verdict_stands_with_its_reasons(run: Run, render: Any) -> None:
    text = " ".join(text_of(render, run).split())
    assert "tuned: SHIP, keep. strict 100.0 % >= 80.0 %, on the line (95 % 75.8 % to 100.0 %)" in text
    assert "tuned beats base on mood: +100.0 points" in text


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_a_blocked_model_is_told_why(project: MiniProject, render: Any) -> None:
    project.answers("tuned", dict.fromkeys(project.right(), "prose"))
    text = " ".join(text_of(render, stored(project)).split())
    assert (
        "tuned: BLOCK, iterate. 1 must-pass example is wrong (r-1). strict is 0.0 %, the task asks for 80.0 %." in text
    )


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_what_a_reader_must_know_stands_beside_the_table(project: MiniProject, render: Any) -> None:
    answers = dict.fromkeys(project.right(), GOOD) | {"t-01": f"Well: {GOOD}", "t-02": "prose"}
    del answers["t-12"]
    project.answers("tuned", answers)
    known = {"id": "r-2", "input": {"text": "Oh."}, "expected": json.loads(BAD), "known_fail": "irony"}
    project.append("reference", known)
    project.answers("tuned", answers | {"r-2": GOOD})
    text = " ".join(text_of(render, stored(project, "base")).split())
    for told in (
        "tuned does not beat a floor on: mood (63.6, empty 66.7)",
        "tuned: defects: prose_before 2",
        "tuned: 1 unanswered, never scored as wrong. t-12: ",
        "tuned: known to fail: r-2: irony",
        "tuned and base: same text 0/11, same object 0/11",
    ):
        assert told in text


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_a_pair_that_nobody_declared_is_shown(project: MiniProject, render: Any) -> None:
    session = project.asked(("base",), ("tuned",))
    finish(session, session.selection, "pytest", {})
    text = " ".join(text_of(render, session.runs.run("latest")).split())
    assert "tuned (undeclared)" in text
    assert "100.0 (-100.0 [" in text


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_a_partial_run_has_no_verdict_and_says_how_much_was_selected(project: MiniProject, render: Any) -> None:
    lines = (project.folder / "test.jsonl").read_text().splitlines()[:10]
    project.write("golden/mood/test.jsonl", "\n".join(lines) + "\n")
    session = project.session(["tuned"])
    session.ask(project.selection(tuned=["t-01", "t-02", "t-03"]), lambda _: None)
    finish(session, session.selection, "pytest -k t-0", {})
    text = text_of(render, session.runs.run("latest"))
    assert "tuned: no verdict: 3 of 10 selected" in text
    assert "SHIP" not in text


@pytest.mark.parametrize(("frozen", "told"), [(True, False), (False, True)])
def test_what_is_not_frozen_is_told(project: MiniProject, frozen: bool, told: bool) -> None:
    run = stored(project)
    run = replace(run, tasks=tuple(replace(task, frozen=frozen) for task in run.tasks))
    assert [("NOT FROZEN" in text_of(render, run)) for render in (on_terminal, markdown.render)] == [told, told]


def test_the_terminal_says_how_to_look_at_one_answer(run: Run) -> None:
    assert text_of(on_terminal, run).splitlines()[-2:] == [
        "run run-1; one answer: evalkit show run-1 EXAMPLE",
        "all misses: evalkit misses run-1",
    ]


def test_the_terminal_wraps_sentences_and_never_a_tables_figures(run: Run) -> None:
    text = "".join(terminal.render(run, page=Page(width=60, details=True)))
    sentences = [line for line in text.splitlines() if not set(line) & set("│┃━─┏┡└")]
    assert max(len(line) for line in sentences if "rates in %" not in line) <= 60
    assert "100.0 [75.8, 100.0]" in text


def test_without_color_there_is_no_escape(run: Run) -> None:
    assert "\x1b" not in text_of(on_terminal, run)
    assert "\x1b[1;32m" in "".join(terminal.render(run, page=Page(color=True)))


def test_markup_in_a_title_is_text(project: MiniProject) -> None:
    project.contract("Is the mood good?", "[bold]mood[/] :smile: | *x*")
    assert "[bold]mood[/] :smile:" in text_of(markdown.render, stored(project))


def test_a_markdown_table_has_as_many_cells_in_every_row(run: Run) -> None:
    tables = [part.splitlines() for part in text_of(markdown.render, run).split("\n\n") if part.startswith("|")]
    assert len(tables) > 2
    assert all(len({row.count("|") for row in table}) == 1 for table in tables)


def test_markdown_names_the_run_and_its_command(run: Run) -> None:
    assert (
        text_of(markdown.render, run)
        .splitlines()[-1]
        .startswith("Run run-1: `pytest suites --backend=tuned` (evalkit ")
    )


def test_json_is_the_header_of_the_run(run: Run) -> None:
    assert load_run(json.loads(text_of(as_json.render, run))) == run


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_what_became_of_a_model_since_its_baseline_stands_beside_its_verdict(project: MiniProject, render: Any) -> None:
    path = place(project.folder.parent, "mood", "main")
    earlier = project.asked(("tuned",), identity="run-0")
    before = scored_model(earlier.judged("mood"), "tuned", earlier.rows("mood"))
    write(path, take("", before, "2026-01-02"))
    path.write_text(path.read_text().replace('"t-07"', '"t-07a"').replace('["t-09", "mood", 1]', '["t-09", "mood", 0]'))
    project.answers("tuned", project.right() | {"t-03": BAD, "r-1": "prose"})
    session = project.asked(("tuned",))
    finish(session, session.selection, "pytest", {}, BaselineOptions(compare="main"))
    text = " ".join(text_of(render, session.runs.run("latest")).split())
    for told in (
        "tuned against baseline main (tuned, 2026-01-02): BLOCK. 1 must-pass example was right and is wrong (r-1).",
        "tuned against baseline main: lost (6): r-1 strict, ",
        "tuned against baseline main: gained (1): t-09 mood",
        "tuned against baseline main: examples that baseline main does not have (1): t-07",
        "tuned against baseline main: examples that only baseline main has (1): t-07a",
    ):
        assert told in text


def test_a_hundred_flips_are_no_screenful() -> None:
    lost = tuple(f"t-{n:03} mood" for n in range(100))
    regression = Regression(
        "tuned", "baseline main", "tuned", "2026-01-02", Status.SHIP, (), (), (), lost, (), (), (), (), 0, False
    )
    [line] = notes.changes(regression)
    assert line.endswith("t-038 mood, t-039 mood and 60 more (--format=json has all)")
    assert list(notes.changes(None)) == []


@pytest.mark.parametrize("render", [on_terminal, markdown.render])
def test_a_score_of_some_examples_says_on_how_many_it_rests(project: MiniProject, render: Any) -> None:
    project.name_people()
    text = text_of(render, stored(project))
    assert row(text, "names")[0] == "names"
    assert row(text, "named")[0] == "named (n=4)"


def test_a_primary_score_of_some_examples_is_still_marked(project: MiniProject) -> None:
    project.name_people()
    project.contract('[primary]\nscore = "mood"', '[primary]\nscore = "named"')
    assert "named (n=4) *" in text_of(on_terminal, stored(project))


def test_an_unanswered_example_is_no_choice_of_a_score(project: MiniProject) -> None:
    answers = project.right()
    del answers["t-12"]
    project.answers("tuned", answers)
    run = stored(project)
    [task] = run.tasks
    alone = replace(task, model_runs=tuple(model_run for model_run in task.model_runs if model_run.name == "tuned"))
    assert row(text_of(on_terminal, replace(run, tasks=(alone,))), "mood")[0] == "mood *"


def test_a_score_with_a_bar_in_its_name_breaks_no_table(project: MiniProject) -> None:
    run = stored(project)
    [task] = run.tasks
    renamed = tuple(
        replace(model_run, rates={split: {"a|b": rates["mood"]} for split, rates in model_run.rates.items()
                                  if split == "test"})
        for model_run in task.model_runs
        if "mood" in model_run.rates.get("test", {})
    )  # fmt: skip
    strict = {"strict": renamed[0].rates["test"]["a|b"]}
    renamed = tuple(replace(one, rates={"test": {**strict, **one.rates["test"]}}) for one in renamed)
    text = text_of(markdown.render_scores, replace(run, tasks=(replace(task, model_runs=renamed, unbeaten=()),)))
    line = next(line for line in text.splitlines() if line.startswith("| a"))
    header = next(line for line in text.splitlines() if line.startswith("| |"))
    assert line.startswith("| a\\|b |")
    assert line.replace("\\|", "").count("|") == header.count("|")


def test_rows_are_a_line_each_with_what_a_reader_needs(project: MiniProject) -> None:
    project.answers("tuned", project.right() | {"t-01": f"Well: {BAD}"})
    session = project.asked(("tuned",))
    finish(session, session.selection, "pytest", {})
    run = session.runs.run("latest")
    lines = "".join(jsonl.render(run, lambda *_: session.runs.rows(run.id))).splitlines()
    row = next(one for one in map(json.loads, lines) if (one["model"], one["example"]) == ("tuned", "t-01"))
    assert (row["input"], row["expected"]) == ({"text": "This is t-01."}, {"mood": "good", "strength": 0.9})
    [sample] = row["samples"]
    assert (sample["text"], sample["value"], sample["defects"]) == (f"Well: {BAD}", json.loads(BAD), ["prose_before"])
    assert row["scores"]["mood"] == {"value": 0.0, "why": "another value"}
