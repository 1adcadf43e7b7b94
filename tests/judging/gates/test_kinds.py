"""Kinds of hypotheses are found by their names, and told what they lack."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit._internal.registry import names
from evalkit.errors import ConfigError, UnknownName
from evalkit.golden.hypotheses import read_hypothesis
from evalkit.judging import wording
from evalkit.judging.gates import kind_of
from evalkit.judging.reason import Code, Outcome, Reason, Remark, Status

WHOLE = """
GAIN = False
KEYS = ()
PHRASES = {"SHIP": "keeps up with {against}", "BLOCK": "falls behind {against}", "INCONCLUSIVE": "may fall behind"}

def read_terms(entry, pieces): ...

def decide(hypothesis, evidence): ...
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A kind of hypothesis of an outside package, whose source the test gives; its name."""
    name = f"kind_{abs(hash(request.param))}"
    info = tmp_path / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[evalkit.hypotheses]\n{name} = {name}\n")
    (tmp_path / f"{name}.py").write_text(request.param)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_the_built_in_kinds_are_the_files_of_their_folder() -> None:
    assert sorted(names("hypotheses")) == ["equivalent", "no_loss", "win"]


def test_an_unknown_kind_suggests_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown hypothesis 'noloss'\. Did you mean 'no_loss'"):
        kind_of("noloss")


@pytest.mark.parametrize("outside", [WHOLE], indirect=True)
def test_a_kind_of_an_outside_package_is_found(outside: str) -> None:
    assert not kind_of(outside).GAIN


@pytest.mark.parametrize("outside", [WHOLE.replace("KEYS", "NAMES").replace("GAIN", "WINS")], indirect=True)
def test_a_kind_that_lacks_a_part_is_told_which_before_it_is_used(outside: str) -> None:
    with pytest.raises(ConfigError, match=f"hypothesis '{outside}': its module {outside} has no GAIN: write it"):
        list(read_hypothesis({"kind": outside}, {}, ""))


@pytest.mark.parametrize("outside", [WHOLE.replace('"BLOCK"', '"RED"')], indirect=True)
def test_a_kind_without_a_phrase_for_a_status_is_told_which(outside: str) -> None:
    with pytest.raises(ConfigError, match="its PHRASES have none for BLOCK: write one"):
        kind_of(outside)


@pytest.mark.parametrize("outside", [WHOLE], indirect=True)
def test_a_remark_without_a_phrase_is_told_which(outside: str) -> None:
    outcome = Outcome(outside, Status.SHIP, 0.0, (Remark("oddly"),))
    with pytest.raises(ConfigError, match="its PHRASES have none for its remark 'oddly': write one"):
        wording.reason(Reason(Code.COMPARISON, outcome=outcome))
