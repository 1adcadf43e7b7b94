"""In which order rivals are asked, and when enough of it is known."""

from __future__ import annotations

from dataclasses import replace

from scored_pairs import NOTHING, WIN, judged, readable

from evalkit.golden.model import Example
from evalkit.judging.early_stopping import settled, steps, turn
from evalkit.judging.gates import Readable

WON, LOST = "1" * 10, "0" * 10


def example(name: str, group: str) -> Example:
    return Example(name, "test", {}, {}, group=group)


def all_readable(among: Readable = NOTHING) -> Readable:
    """Among readable answers as among all: all ten are."""
    return replace(among, difference=replace(among.difference, n=10))


def test_groups_stay_together_and_their_order_is_drawn_once() -> None:
    examples = [example(f"e{number}", f"g{number // 2}") for number in range(20)]
    ordered = turn(examples)
    assert ordered == turn(examples)
    assert sorted(ordered) == [[f"e{number}", f"e{number + 1}"] for number in sorted(range(0, 20, 2), key=str)]
    assert ordered != sorted(ordered)


def test_every_group_is_asked_in_some_step() -> None:
    ordered = [[f"e{number}"] for number in range(30)]
    assert [name for step in steps(ordered) for name in step] == [name for group in ordered for name in group]


def test_a_hypothesis_is_settled_where_it_is_refuted_or_shown_whatever_the_format() -> None:
    assert settled([judged(WIN, LOST, WON)])
    assert settled([judged(WIN, WON, LOST, all_readable())])
    assert settled([judged(WIN, WON, LOST, readable(0.5, 0.1, 0.9, n=6))])
    assert not settled([judged(WIN, WON, LOST, readable(0.1, -0.2, 0.4, n=6))])
    assert not settled([judged(WIN, "1110010000", "1000000010")])


def test_a_pair_that_was_only_asked_for_is_settled_where_it_is_known_which_is_better() -> None:
    assert settled([judged(None, LOST, WON)])
    assert not settled([judged(None, "1110010000", "1000000010")])


def test_all_of_them_must_be_settled() -> None:
    assert not settled([judged(WIN, LOST, WON), judged(None, "1110010000", "1000000010")])
