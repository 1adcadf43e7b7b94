"""Sentences of a relation: what a model answered once the input was changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # made of what is worded here
    from evalkit.judging.relation_check import Break, RelationResult


def relation(item: RelationResult) -> str:
    """A relation's result on one example."""
    if item.holds:
        return f"{item.relation} holds for {item.backend} on {item.example}"
    inputs = ", ".join(f"{name} {value!r}" for name, value in item.input.items())
    why = "; ".join(relation_break(part) for part in item.why)
    return f"{item.relation} does not hold for {item.backend} on {item.example}: {why}. Asked: {inputs}"


def relation_break(item: Break) -> str:
    """One way in which a relation does not hold."""
    return {
        "unreadable_before": f"the answer to {item.example} can't be read",
        "unreadable_after": f"the answer to {item.example} can't be read",
        "error_before": f"the answer to {item.example} is an error: {item.before!r}",
        "not_strict": f"the answer to {item.example} is not strict: {item.why}",
        "field_appeared": f"{item.field} was not there before",
        "field_gone": f"{item.field} was there before",
        "field_changed": f"{item.field} was {item.before!r} and is {item.after!r}, expected {item.expected!r}",
    }[item.code]
