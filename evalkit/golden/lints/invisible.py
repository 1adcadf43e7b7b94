"""Signs that nobody sees: they make two texts differ that look alike, and may come from a broken conversion."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import judged, strings
from evalkit.golden.model import Task

_JOINS = {"\u200d", "\ufe0f"}
"""Parts of emojis."""


def check(task: Task) -> Iterator[Finding]:
    for examples in task.splits.values():
        for example in judged(examples):
            texts = strings(example.input, example.expected)
            unseen = dict.fromkeys(sign for text in texts for sign in text if _unseen(sign))
            if unseen:
                names = ", ".join(f"U+{ord(sign):04X} {unicodedata.name(sign, 'control')}" for sign in unseen)
                yield Finding(
                    "warning", example.where, f"{example.id} holds {names}", "Write a plain space, or nothing."
                )


def _unseen(sign: str) -> bool:
    kind = unicodedata.category(sign)
    return (
        (kind in ("Cf", "Co", "Cn") and sign not in _JOINS)
        or (kind == "Cc" and sign not in "\n\t\r")
        or sign == "\ufffd"
    )
