"""How counts of things and lists of names are spelled in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str, verbs: tuple[str, str] = ("", "")) -> str:
    """A number of things, with what they are or do in the singular or the plural.

    >>> counted(1, "must-pass example", ("is", "are")), counted(2, "must-pass example", ("is", "are"))
    ('1 must-pass example is', '2 must-pass examples are')
    """
    things = f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
    return f"{things} {verb(count, *verbs)}".rstrip()


def verb(count: int, singular: str, plural: str) -> str:
    """The form of a verb that goes with so many.

    >>> f"1 of 3 layers {verb(1, 'differs', 'differ')}"
    '1 of 3 layers differs'
    """
    return singular if count == 1 else plural


def named(label: str) -> str:
    """A label in a sentence or a table: one that is empty would read as nothing, and a minus as a dash.

    >>> named(""), named("-"), named("rumour")
    ('(empty)', '−', 'rumour')
    """
    return {"": "(empty)", "-": "−"}.get(label.strip(), label)


def abbreviate(names: Sequence[str], most: int = 3) -> str:
    """The first few of ``names``, and how many more there are.

    >>> abbreviate(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
