"""Who takes part: whoever was named, else the last rung of the lineage that a task has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evalkit.errors import ConfigError, UnknownName
from evalkit.models.budget import Budget
from evalkit.models.config import read_config
from evalkit.session.options import SessionOptions
from evalkit.session.participants import Participants

if TYPE_CHECKING:
    from conftest import MiniProject

LINEAGE = """
served = { spec = "replay:answers/{task}-served.jsonl", parent = "tuned" }

[tool.evalkit.lineage.moods]
rungs = ["base", "tuned", "served"]
"""


def of(project: MiniProject, **options: str | tuple[str, ...]) -> Participants:
    return Participants(read_config(project.root), SessionOptions(**options), Budget())  # type: ignore[arg-type]


@pytest.fixture
def project(project: MiniProject) -> MiniProject:
    """The project with a lineage whose last rung is not made yet."""
    project.write("pyproject.toml", (project.root / "pyproject.toml").read_text() + LINEAGE)
    return project


def test_without_a_name_the_one_of_pyproject_toml_is_tested(project: MiniProject) -> None:
    assert of(project).backends(project.task()) == ("tuned",)


def test_of_a_lineage_the_last_rung_that_the_task_has_is_tested(project: MiniProject) -> None:
    task = project.task()
    assert of(project, lineage="moods").backends(task) == ("tuned",)
    project.write("answers/mood-served.jsonl", "")
    participants = of(project, lineage="moods")
    assert (participants.backends(task), participants.against(task)) == (("served",), ("base", "tuned"))


def test_who_is_named_is_tested_whatever_the_lineage_ends_in(project: MiniProject) -> None:
    participants = of(project, backends=("base", "base"), lineage="moods")
    assert (participants.named, participants.compared) == (("base",), ("tuned", "served"))
    assert participants.backends(project.task()) == ("base",)


def test_a_rung_that_nobody_named_and_that_cannot_run_takes_no_part(project: MiniProject) -> None:
    participants, task = of(project, lineage="moods"), project.task()
    assert not participants.takes_part("served", task)
    assert of(project, backends=("served",)).takes_part("served", task)


def test_a_lineage_that_nobody_has_is_told(project: MiniProject) -> None:
    with pytest.raises(UnknownName, match=r"unknown lineage 'mooods'\. Did you mean 'moods'"):
        of(project, lineage="mooods")


# -- declared rivals ------------------------------------------------------------------------------------


def test_a_declared_rival_joins_where_nobody_named_it(project: MiniProject) -> None:
    task = project.task()
    alone = of(project, backends=("tuned",))
    assert (alone.against(task), alone.joining(task), alone.absent(task)) == (("base",), {"base": ["tuned"]}, {})
    named = of(project, backends=("tuned",), against=("base",))
    assert (named.against(task), named.joining(task)) == (("base",), {})


SOLD = {
    "anthropic:claude-haiku-4-5": True,  # at a list price
    "anthropic:unheard-of": True,  # at no known price, and with a key
    "openai:unheard-of": True,
    "openai:local": False,  # a server of one's own, without a key
    "replay:answers/base.jsonl": False,
}


@pytest.mark.parametrize("spec", SOLD)
def test_a_rival_whose_answers_cost_money_does_not_join(
    project: MiniProject, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    for vendor in ("anthropic", "openai"):
        pytest.importorskip(vendor)
        monkeypatch.setenv(f"{vendor.upper()}_API_KEY", "k")
        monkeypatch.delenv(f"{vendor.upper()}_BASE_URL", raising=False)
    base_url = ', base_url = "http://localhost:1/v1"' if spec == "openai:local" else ""
    project.change("pyproject.toml", 'base = "replay:answers/base.jsonl"', f'base = {{ spec = "{spec}"{base_url} }}')
    participants, task = of(project, backends=("tuned",)), project.task()
    assert ("base" in participants.absent(task), "base" in participants.joining(task)) == (SOLD[spec], not SOLD[spec])
    assert [str(absent.why) for absent in participants.absent(task).values()] == ["costs"] * SOLD[spec]


def test_a_rival_that_is_not_there_says_why(project: MiniProject) -> None:
    (project.root / "answers" / "base.jsonl").unlink()
    absent = of(project, backends=("tuned",)).absent(project.task())
    assert (str(absent["base"].why), "base.jsonl" in absent["base"].problem) == ("not_opened", True)


def test_what_is_tested_is_not_compared_with_too(project: MiniProject) -> None:
    with pytest.raises(ConfigError, match=r"--against=tuned: tuned is tested in this session"):
        of(project, backends=("tuned",), against=("tuned",)).check_names()
