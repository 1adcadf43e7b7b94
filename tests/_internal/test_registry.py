"""Components are found by the name people type, whether they are built in or come from an outside package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evalkit._internal import registry as components
from evalkit.errors import ConfigError, UnknownName
from evalkit.golden.model import ScoreRule
from evalkit.golden.scoring import scorer_of

if TYPE_CHECKING:
    from conftest import MiniProject

SHOUT = '''
"""A backend: says the mood in capitals."""
from evalkit.models.backend import Completion

def open_backend(opening):
    return Shout(opening.spec.model)

class Shout:
    by_example = False

    def __init__(self, word):
        self.fingerprint = {"shout": word}
        self.text = '{"mood": "%s", "strength": 0.9}' % word

    def answer(self, requests):
        for request in requests:
            yield request, Completion(self.text, "stop")

    def close(self):
        pass
'''

HALF = '''
"""A scorer: half a point for anything wrong."""
from evalkit.scorers.score import Judgement

KIND = "class"

def make_scorer(options):
    return lambda got, expected: Judgement(1.0) if got == expected else Judgement(0.5, "half right")
'''


def outside(folder: Path, package: str, points: str, **modules: str) -> Path:
    """An installed package, as an installer leaves it in site-packages."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_the_built_in_components_are_the_files_of_their_folder() -> None:
    assert {"empty", "majority", "error", "oracle", "replay", "gguf"} <= components.names("backends").keys()
    assert components.names("scorers")["sign"] == "evalkit.scorers.sign"


def test_an_unknown_name_suggests_the_nearest_and_lists_all() -> None:
    with pytest.raises(
        UnknownName, match=r"unknown scorer 'singn'. Did you mean 'sign'\? Known: bool, embedding, exact, "
    ):
        components.find("scorers", "singn")


def test_an_outside_component_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(
        outside(tmp_path, "outside_half", "[evalkit.scorers]\nhalf = outside_half\n", outside_half=HALF)
    )
    assert components.find("scorers", "half").make_scorer({})("a", "b").value == 0.5


def test_two_components_of_one_name_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(outside(tmp_path, "outside_sign", "[evalkit.scorers]\nsign = outside_sign\n"))
    told = "two scorers are called 'sign': evalkit.scorers.sign and outside_sign. Rename the entry point of one"
    with pytest.raises(ConfigError, match=told):
        components.find("scorers", "sign")


def test_a_scorer_without_either_function_is_told_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[evalkit.scorers]\nidle = outside_idle\n"
    monkeypatch.syspath_prepend(outside(tmp_path, "outside_idle", points, outside_idle="judge = 1\n"))
    with pytest.raises(
        ConfigError, match="module outside_idle has neither make_scorer nor make_input_scorer nor make_composite: write"
    ):
        scorer_of(ScoreRule("mood", "mood", "idle"))


@pytest.mark.parametrize(
    ("kind", "noun", "function"),
    [
        ("backends", "backend", "open_backend"),
        ("hypotheses", "hypothesis", "decide"),
        ("lints", "lint", "check"),
        ("measurements", "measure", "make_measurement"),
        ("relations", "relation", "make_relation"),
        ("reports", "report", "render"),
    ],
)
def test_a_component_without_its_function_is_told_to_write_it(
    kind: str, noun: str, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = f"[evalkit.{kind}]\nidle_{noun} = outside_idle_{noun}\n"
    idle = {f"outside_idle_{noun}": "nothing = 1\n"}
    monkeypatch.syspath_prepend(outside(tmp_path, f"outside_idle_{noun}", points, **idle))
    expected = rf"{noun} 'idle_{noun}': its module outside_idle_{noun} has no {function}: write it, see evalkit/"
    with pytest.raises(ConfigError, match=expected):
        components.find(kind, f"idle_{noun}")


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("", "has no KIND: write KIND = 'class', 'number', 'set', 'text' or 'composite', see evalkit/scorers/score.py"),
        (
            'KIND = "words"',
            "has KIND = 'words', expected 'class', 'number', 'set', 'text' or 'composite', see evalkit/scorers",
        ),
    ],
)
def test_a_scorer_that_does_not_say_what_kind_it_is_is_told_what_to_write(
    kind: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"kindless_{len(kind)}"
    points = f"[evalkit.scorers]\n{name} = {name}\n"
    module = {name: f"{kind}\n\ndef make_scorer(options):\n    return None\n"}
    monkeypatch.syspath_prepend(outside(tmp_path, name, points, **module))
    with pytest.raises(ConfigError, match=f"scorer '{name}': its module {name} {problem}"):
        components.find("scorers", name)


def test_a_component_that_cant_be_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = "[evalkit.backends]\nlazy = outside_lazy\n"
    monkeypatch.syspath_prepend(outside(tmp_path, "outside_lazy", points, outside_lazy="import not_installed_here\n"))
    told = "backend 'lazy': its module outside_lazy can't be imported: No module named 'not_installed_here'"
    with pytest.raises(ConfigError, match=told):
        components.find("backends", "lazy")


@pytest.mark.parametrize(
    ("source", "reason"),
    [("def open_backend(:\n", r"SyntaxError: invalid syntax \(outside_wrong_0\.py, line 1\)"),
     ("raise RuntimeError('boom')\n", "RuntimeError: boom")],
)  # fmt: skip
def test_a_component_that_fails_when_it_is_imported_is_named(
    source: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"outside_wrong_{int('boom' in source)}"
    monkeypatch.syspath_prepend(outside(tmp_path, name, f"[evalkit.backends]\nwrong = {name}\n", **{name: source}))
    with pytest.raises(ConfigError, match=f"backend 'wrong': its module {name} can't be imported: {reason}"):
        components.find("backends", "wrong")


def test_an_outside_backend_is_asked_and_an_outside_scorer_scores_it(project: MiniProject, tmp_path: Path) -> None:
    points = "[evalkit.backends]\nshout = outside_shout\n[evalkit.scorers]\nhalf = outside_half\n"
    site = outside(tmp_path / "site", "outside", points, outside_shout=SHOUT, outside_half=HALF)
    project.contract('[scores.mood]\nscorer = "exact"', '[scores.mood]\nscorer = "half"')
    project.write(
        "suites/test_mood.py",
        "import pytest\n\n"
        '@pytest.mark.golden("mood", split="test")\n'
        "def test_mood(answer):\n"
        '    assert answer.scores["mood"]\n',
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites", "--backend=shout:good", "-p", "no:cacheprovider"],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "4 missed" in done.stdout, done.stdout + done.stderr
    [task] = json.loads((project.root / "reports" / "latest.json").read_text())["tasks"]
    model_run = next(one for one in task["model_runs"] if one["participant"]["name"] == "shout:good")
    assert model_run["rates"]["test"]["mood"]["value"] == pytest.approx((8 * 1.0 + 4 * 0.5) / 12)
