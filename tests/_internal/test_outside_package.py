"""An outside package adds a component of every kind, each as one file that is found by its name and used.

The package is on disk as an installer leaves it. One run of pytest, in a small project and a new process, uses it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conftest import MiniProject

BACKEND = '''
"""A backend: always in the mood that its spec names."""
from evalkit import Completion


def open_backend(opening):
    return Moody(opening.spec.model)


class Moody:
    by_example = False

    def __init__(self, mood):
        self.fingerprint = {"moody": mood}
        self.text = '{"mood": "%s", "strength": 0.8}' % mood

    def answer(self, requests):
        for request in requests:
            yield request, Completion(self.text, "stop")

    def close(self):
        pass
'''

SCORER = '''
"""A scorer: a quarter of a point for the wrong mood."""
from evalkit import Judgement

KIND = "class"


def make_scorer(options):
    return lambda got, expected: Judgement(1.0) if got == expected else Judgement(0.25, "another mood")


def opposite(mood):
    return {"good": "bad", "bad": "good"}.get(mood, mood)


def label(mood):
    return f"in a {mood} mood"
'''

MEASUREMENT = '''
"""A measurement: the largest error."""
import numpy as np

from evalkit import Estimate, Measurement


def make_measurement(options):
    def estimate(rows):
        errors = np.abs(rows.got - rows.expected)
        return Estimate(float(errors.max()) if errors.size else None, None, None, errors.size)

    return Measurement(estimate, badness=lambda rows: np.abs(rows.got - rows.expected))
'''

LINT = '''
"""A lint: a text must not say the number seven."""
from evalkit import Finding


def check(task):
    for example in task.splits["test"]:
        if "07" in example.input["text"]:
            yield Finding("warning", example.where, f"{example.id} says seven", "Say six.")
'''

RELATION = '''
"""A relation: the opposite is said of everything."""


def make_relation(options):
    return lambda text: f"Not so: {text}"
'''

HYPOTHESIS = '''
"""A kind of hypothesis: on a share of the examples the candidate scores no less."""
from evalkit import Outcome, Remark, Status, Terms

GAIN = False
KEYS = ("share",)
PHRASES = {
    Status.SHIP: "keeps up with {against}",
    Status.BLOCK: "falls behind {against}",
    Status.INCONCLUSIVE: "may fall behind {against}",
    "behind": "Behind on {examples}.",
}


def read_terms(entry, pieces):
    return Terms(options={"share": entry["share"]})


def decide(hypothesis, evidence):
    paired, share = evidence.paired, hypothesis.options["share"]
    kept = (paired.wins + paired.ties) / paired.difference.n
    status = Status.SHIP if kept >= share else Status.BLOCK
    return Outcome(hypothesis.kind, status, share, (Remark("behind", count=paired.losses),))
'''

REPORT = '''
"""A report: one line a row, cells apart by commas."""


def render(run, rows, page):
    for row in rows():
        yield f"{row.model},{row.example},{row.scores['strict'].value if row.scores else ''}\\n"
'''

MODULES = {
    "outside_moody": BACKEND,
    "outside_quarter": SCORER,
    "outside_worst": MEASUREMENT,
    "outside_seven": LINT,
    "outside_denied": RELATION,
    "outside_keeps_up": HYPOTHESIS,
    "outside_commas": REPORT,
}

ENTRY_POINTS = """
[evalkit.backends]
moody = outside_moody
[evalkit.scorers]
quarter = outside_quarter
[evalkit.measurements]
worst = outside_worst
[evalkit.lints]
seven = outside_seven
[evalkit.relations]
denied = outside_denied
[evalkit.hypotheses]
keeps_up = outside_keeps_up
[evalkit.reports]
commas = outside_commas
"""

MORE_RULES = """
[measurements.strength_worst]
field = "strength"
measure = "worst"

[relations.turned]
relation = "denied"
input = "text"
negates = "mood"
free = "strength"

[[hypotheses]]
kind = "keeps_up"
against = "oracle"
score = "mood"
share = 0.9
"""

SUITE = """
import pytest

pytestmark = pytest.mark.golden("mood")


def test_mood(answer):
    assert answer.scores["mood"]


def test_relation(relation):
    assert relation.holds, relation


def test_sound(finding):
    assert finding.waived, finding
"""


def install(folder: Path) -> Path:
    """The outside package, as an installer leaves it in site-packages."""
    info = folder / "outside-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    for name, source in MODULES.items():
        (folder / f"{name}.py").write_text(source)
    return folder


class Use:
    """One run of pytest in a project that uses the outside package, and what it left."""

    def __init__(self, root: Path) -> None:
        self.project = MiniProject(root / "project")
        self.site = install(root / "site")
        self.project.contract('[scores.mood]\nscorer = "exact"', '[scores.mood]\nscorer = "quarter"')
        self.project.write("golden/mood/task.toml", (self.project.folder / "task.toml").read_text() + MORE_RULES)
        self.project.write("suites/test_mood.py", SUITE)
        self.run("-m", "evalkit.cli.main", "freeze", "mood")
        self.output = self.run("-m", "pytest", "suites", "--backend=moody:good", "-p", "no:cacheprovider", "-rA")

    def run(self, *arguments: str) -> str:
        """What a command of Python prints there."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.project.root,
            env={**os.environ, "PYTHONPATH": str(self.site)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    @property
    def task(self) -> Mapping[str, Any]:
        """The one task of the run, as the JSON report has it."""
        [task] = json.loads((self.project.root / "reports" / "latest.json").read_text(encoding="utf-8"))["tasks"]
        assert isinstance(task, dict)
        return task

    @property
    def model_run(self) -> Mapping[str, Any]:
        """The figures of the outside backend."""
        [model_run] = [run for run in self.task["model_runs"] if run["participant"]["name"] == "moody:good"]
        assert isinstance(model_run, dict)
        return model_run


@pytest.fixture(scope="module")
def use(tmp_path_factory: pytest.TempPathFactory) -> Use:
    return Use(tmp_path_factory.mktemp("outside"))


def test_an_outside_backend_is_asked_by_its_name(use: Use) -> None:
    assert use.model_run["rates"]["test"]["strict"]["value"] == 1.0, use.output


def test_an_outside_scorer_scores_its_field(use: Use) -> None:
    # Eight of twelve are in a good mood; each other one scores a quarter.
    assert use.model_run["rates"]["test"]["mood"]["value"] == pytest.approx((8 * 1.0 + 4 * 0.25) / 12)


def test_an_outside_measurement_measures_its_field(use: Use) -> None:
    worst = use.model_run["measurements"]["strength_worst"]
    assert (worst["value"], worst["n"]) == (pytest.approx(0.3), 12)


def test_an_outside_relation_changes_inputs_and_an_outside_scorer_says_what_the_opposite_is(use: Use) -> None:
    [relation] = use.task["relations"]
    # A model that is always in a good mood is never in the opposite one.
    assert (relation["relation"], relation["rate"]["value"], relation["rate"]["n"]) == ("turned", 0.0, 12)
    assert len(relation["broken"]) == 12


def test_an_outside_lint_finds_something(use: Use) -> None:
    assert "t-07 says seven. Say six. (seven)" in use.output


def test_the_classes_of_an_outside_scorer_take_part_in_built_in_lints(use: Use) -> None:
    printed = use.run("-m", "evalkit.cli.main", "lint", "mood", "--notes")
    assert "mood is in a bad mood in 4 examples only" in printed


def test_an_outside_kind_of_hypothesis_is_declared_decided_and_put_into_its_own_words(use: Use) -> None:
    [comparison] = [each for each in use.task["comparisons"] if each["kind"] == "keeps_up"]
    # Eight of twelve are in a good mood, and nine tenths are asked for.
    assert (comparison["status"], comparison["outcome"]["bound"], comparison["paired"]["losses"]) == ("BLOCK", 0.9, 4)
    assert "- falls behind oracle on mood: " in " ".join(use.output.split())
    assert "Behind on 4 examples." in " ".join(use.output.split())


def test_an_outside_report_is_rendered_by_its_name(use: Use) -> None:
    text = use.run("-m", "evalkit.cli.main", "report", "latest", "--format=commas")
    assert "moody:good,t-01,1.0" in text.splitlines(), text
