r"""What of a text is counted: its words, and pairs of neighbours.

A word is a run of letters, digits and the marks that belong to them, in any script, in lower case. Where a script sets
no spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan), each character is a word, and each pair of
neighbours is counted too: most words of these are as long as that.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise

_WORD, _CHARACTER, _MARK, _BREAK = "word", "character", "mark", ""

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # marks that stand for a Chinese character
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana of Ainu
    (0x3400, 0x4DBF),  # Chinese characters, as all that follow
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
_STARTS = [first for first, _ in _UNSPACED]

_SPACE_IN_JSON = re.compile(r"\\[nrtbf]")
"""A prompt that shows its text as JSON spells a line break as a letter after a backslash."""


def terms(text: str, pairs: bool) -> list[str]:
    """All that is counted of ``text``, as often as it stands there. With ``pairs`` neighbouring words are counted too.

    >>> terms("The door won't open.", False)
    ['the', 'door', 'won', 't', 'open']
    >>> terms("Door open", True)
    ['door', 'open', 'door open']
    >>> terms("東京都", False)
    ['東', '京', '都', '東京', '京都']
    """
    words = list(_words(text))
    neighbours = (_pair(one, other, pairs) for one, other in pairwise(words))
    return [word for word, _ in words] + [pair for pair in neighbours if pair]


def _pair(one: tuple[str, int], other: tuple[str, int], pairs: bool) -> str:
    (first, run), (second, next_run) = one, other
    if run == next_run:
        return first + second
    return f"{first} {second}" if pairs else ""


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Each word, and the number of its run: words of one run are written together."""
    folded = unicodedata.normalize("NFKC", _SPACE_IN_JSON.sub(" ", text)).casefold()
    for number, (kind, run) in enumerate(groupby(folded, key=_KindOfCharacter())):
        if kind == _WORD:
            yield "".join(run), number
        elif kind == _CHARACTER:
            yield from ((character, number) for character in _with_marks(run))


class _KindOfCharacter:
    """Tells words from what is between them. A mark is of the kind of what it stands on."""

    def __init__(self) -> None:
        self._before = _BREAK

    def __call__(self, character: str) -> str:
        kind = _kind(character)
        if kind != _MARK:
            self._before = kind
        return self._before


@cache
def _kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category == "M":
        return _MARK
    if category not in "LN":
        return _BREAK
    place = bisect(_STARTS, ord(character)) - 1
    unspaced = place >= 0 and ord(character) <= _UNSPACED[place][1]
    return _CHARACTER if unspaced else _WORD


def _with_marks(run: Iterator[str]) -> Iterator[str]:
    """The characters of ``run``, each with the marks that follow it."""
    character = ""
    for part in run:
        if _kind(part) == _MARK:
            character += part
            continue
        if character:
            yield character
        character = part
    yield character
