"""A line of a ledger that was deleted, edited, swapped or invented is found, with its place and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.errors import LooksError
from evalkit.golden.ledger_lines import append, chained, line_id, mend, missing, read_lines
from evalkit.golden.looks import Answerer, FirstVerdict, Ledger, Terms

TERMS = Terms("declared", "split")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The ledger of three looks, the first of them with its verdict."""
    place = tmp_path / "mood"
    place.mkdir()
    look(place, "a", "BLOCK")
    for who in "bc":
        look(place, who)
    return place


def look(folder: Path, who: str, status: str | None = None) -> None:
    ledger, answerer = Ledger.read(folder), Answerer(who, f"{who}'s")
    taken = ledger.take(f"model {who}", answerer, TERMS, f"run of {who}", 5, judged=True)
    if status is not None:
        ledger.decide(taken, answerer, TERMS, FirstVerdict(status, f"run of {who}"))


def texts(folder: Path) -> list[str]:
    return (folder / "looks.jsonl").read_text().splitlines()


def rewrite(folder: Path, lines: list[str]) -> None:
    (folder / "looks.jsonl").write_text("".join(f"{line}\n" for line in lines))


def models(folder: Path) -> list[str]:
    return [taken.model for taken in Ledger.read(folder).taken]


def test_a_ledger_as_it_was_written_is_read(folder: Path) -> None:
    assert models(folder) == ["model a", "model b", "model c"]
    assert [line.where.rpartition(":")[2] for line in read_lines(folder)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("line", range(4))
def test_a_line_that_was_edited_is_named(folder: Path, line: int) -> None:
    lines = texts(folder)
    lines[line] = lines[line].replace("run of", "walk of")
    rewrite(folder, lines)
    with pytest.raises(LooksError, match=rf"looks\.jsonl:{line + 1}: was edited: .*from version control"):
        read_lines(folder)


@pytest.mark.parametrize("line", range(3))
def test_where_a_line_was_deleted_is_named(folder: Path, line: int) -> None:
    lines = texts(folder)
    del lines[line]
    rewrite(folder, lines)
    with pytest.raises(LooksError, match=rf"looks\.jsonl:{line + 1}: does not follow .*: one is missing"):
        read_lines(folder)


@pytest.mark.parametrize("line", range(3))
def test_where_two_lines_were_swapped_is_named(folder: Path, line: int) -> None:
    lines = texts(folder)
    lines[line], lines[line + 1] = lines[line + 1], lines[line]
    rewrite(folder, lines)
    with pytest.raises(LooksError, match=rf"looks\.jsonl:{line + 1}: does not follow .* out of its place"):
        read_lines(folder)


def test_an_invented_line_is_named(folder: Path) -> None:
    """A verdict that nobody gave, as whoever does not know of the chain would write it."""
    table = {key: value for key, value in json.loads(texts(folder)[1]).items() if key not in ("before", "chain")}
    rewrite(folder, [*texts(folder), json.dumps(table | {"status": "SHIP"})])
    with pytest.raises(LooksError, match=r"looks\.jsonl:5: has no chain: evalkit did not write it"):
        read_lines(folder)


def test_a_line_that_is_copied_from_elsewhere_does_not_follow(folder: Path) -> None:
    rewrite(folder, [*texts(folder), texts(folder)[2]])
    with pytest.raises(LooksError, match=r"looks\.jsonl:5: does not follow"):
        read_lines(folder)


def test_lines_at_the_end_that_were_deleted_are_known_to_whoever_kept_them(folder: Path) -> None:
    known = [json.loads(line) for line in texts(folder)]
    rewrite(folder, texts(folder)[:2])
    gone = missing(folder, known)
    assert "looks.jsonl: 2 lines that evalkit wrote are not there any more" in str(gone)
    assert "model b" in str(gone)
    assert "--mend" in str(gone)


def test_the_edit_of_a_line_that_an_older_evalkit_wrote_is_found_once_a_new_one_follows(tmp_path: Path) -> None:
    old = {"created": "2025", "split": "d05", "model": "x", "fingerprint": "f", "candidate": "f", "run": "r"}
    rewrite(tmp_path, [json.dumps(old), json.dumps(old | {"candidate": "g"})])
    look(tmp_path, "a")
    assert models(tmp_path) == ["x", "x", "model a"]
    rewrite(tmp_path, [line.replace('"g"', '"h"') for line in texts(tmp_path)])
    with pytest.raises(LooksError, match=r"looks\.jsonl:3: does not follow"):
        read_lines(tmp_path)


def test_an_old_line_behind_new_ones_is_refused(folder: Path) -> None:
    old = {"created": "2025", "split": "d05", "model": "x", "fingerprint": "f", "candidate": "f", "run": "r"}
    rewrite(folder, [*texts(folder), json.dumps(old)])
    with pytest.raises(LooksError, match=r"looks\.jsonl:5: an older evalkit wrote it behind lines of this one"):
        read_lines(folder)


def branches(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """What stood there, and what each of two branches added."""
    before = texts(folder)
    look(folder, "d", "SHIP")
    one = texts(folder)[len(before) :]
    rewrite(folder, before)
    look(folder, "e", "BLOCK")
    look(folder, "d", "BLOCK")
    return before, one, texts(folder)[len(before) :]


@pytest.mark.parametrize("marked", [True, False])
def test_two_branches_are_put_in_one_order_and_the_first_verdict_of_both_counts(folder: Path, marked: bool) -> None:
    before, one, other = branches(folder)
    conflict = ["<<<<<<< HEAD", *one, "=======", *other, ">>>>>>> branch"] if marked else [*one, *other]
    rewrite(folder, [*before, *conflict])
    with pytest.raises(LooksError, match=r"looks\.jsonl:\d: .*`evalkit looks mood --mend`"):
        read_lines(folder)
    assert mend(folder, []) == (10, 0)
    assert models(folder) == ["model a", "model b", "model c", "model d", "model e"]
    verdicts = {taken.model: taken.verdict.status for taken in Ledger.read(folder).taken if taken.verdict}
    assert verdicts == {"model a": "BLOCK", "model d": "SHIP", "model e": "BLOCK"}


def test_what_is_mended_twice_stays_as_it_is(folder: Path) -> None:
    before, one, other = branches(folder)
    rewrite(folder, [*before, *one, *other])
    mend(folder, [])
    mended = texts(folder)
    mend(folder, [])
    assert texts(folder) == mended


def test_what_the_store_knows_is_written_again(folder: Path) -> None:
    whole = texts(folder)
    rewrite(folder, whole[:1])
    assert mend(folder, [json.loads(line) for line in whole]) == (4, 3)
    assert texts(folder) == whole


def test_mending_hides_no_deleted_line(folder: Path) -> None:
    lines = texts(folder)
    del lines[1]
    rewrite(folder, lines)
    with pytest.raises(LooksError, match=r"looks\.jsonl:2: follows a line that is nowhere"):
        mend(folder, [])


def test_mending_takes_no_edited_line(folder: Path) -> None:
    rewrite(folder, [line.replace("BLOCK", "SHIP") for line in texts(folder)])
    with pytest.raises(LooksError, match=r"looks\.jsonl:2: was edited"):
        mend(folder, [])


def test_a_line_is_known_wherever_it_stands() -> None:
    said = {"kind": "look", "model": "x"}
    assert line_id(chained("", said)) == line_id(chained("elsewhere", said)) == line_id(said)
    assert chained("", said)["chain"] != chained("elsewhere", said)["chain"]


def test_a_line_behind_a_torn_one_begins_anew(folder: Path) -> None:
    (folder / "looks.jsonl").write_text((folder / "looks.jsonl").read_text().rstrip("\n"))
    append(folder, read_lines(folder)[-1].chain, {"kind": "renewed", "created": "2026"})
    assert len(read_lines(folder)) == 5
