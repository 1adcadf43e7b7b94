"""In which order rivals are asked, and when enough of it is known."""

from __future__ import annotations

from scored_pairs import WIN, judged

from evalkit.golden.model import Example
from evalkit.judging.early_stopping import settled, steps, turn

WON, LOST = "1" * 10, "0" * 10


def example(name: str, group: str) -> Example:
    return Example(name, "test", {}, {}, group=group)


def test_groups_stay_together_and_their_order_is_drawn_once() -> None:
    examples = [example(f"e{number}", f"g{number // 2}") for number in range(20)]
    ordered = turn(examples)
    assert ordered == turn(examples)
    assert sorted(ordered) == [[f"e{number}", f"e{number + 1}"] for number in sorted(range(0, 20, 2), key=str)]
    assert ordered != sorted(ordered)


def test_every_group_is_asked_in_some_step() -> None:
    ordered = [[f"e{number}"] for number in range(30)]
    assert [name for step in steps(ordered) for name in step] == [name for group in ordered for name in group]


def test_a_hypothesis_is_settled_where_it_is_refuted_or_shown() -> None:
    assert settled([judged(WIN, LOST, WON)])
    assert settled([judged(WIN, WON, LOST)])
    assert not settled([judged(WIN, "1110010000", "1000000010")])


def test_a_pair_that_was_only_asked_for_is_settled_where_it_is_known_which_is_better() -> None:
    assert settled([judged(None, LOST, WON)])
    assert not settled([judged(None, "1110010000", "1000000010")])


def test_all_of_them_must_be_settled() -> None:
    assert not settled([judged(WIN, LOST, WON), judged(None, "1110010000", "1000000010")])
