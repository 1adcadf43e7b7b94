"""Where reasoning ends and the first JSON object closes: told token by token, and of a whole text.

A JSON object begins at a ``{`` that is followed, white space aside, by a ``"`` or a ``}``: the braces of
prose (``{headline}``) and a ``{`` that the model writes once more after a prefilled one begin nothing.
Reasoning is what stands between two marks of ``evalkit.models.reasoning`` before the first object; inside a string of
an object these are text like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from evalkit.models.reasoning import BARE, MARKS, Mark, any_of, marks_in, marks_with, opened_by_prompt

# A brace at the end of a piece may still begin an object: `\Z` lets it match, and the next piece decides.
_OBJECT = r'\{[ \t\n\r]*(?:["}]|\Z)'
_SPACE = re.compile(r"[ \t\n\r]*")
# Runs, not single characters: a text of a million braces or backslashes is then a handful of matches.
_STRUCTURE = re.compile(r'\{+|\}+|"[^"\\]*"?')
_IN_STRING = re.compile(r'"|\\+')


class _State(Enum):
    """Where in an answer the next character stands."""

    OUTSIDE = "outside"
    OPENING = "after a brace that may begin an object"
    THINKING = "in the reasoning"
    OBJECT = "in the object, outside its strings"
    STRING = "in a string of the object"


class JsonObjectScanner:
    r"""Says when the first JSON object of an answer has closed, while the answer is still being written.

    Feed it the prefill first, then every token. Where the chat template itself opens the reasoning (see
    ``opened_by_prompt``), ``thinking`` is the mark that it opens. Pieces may be cut anywhere, inside an escape or
    inside a mark; time is linear in the text and memory constant. It counts braces outside strings and does
    not check the JSON between them. What follows the first object is not looked at.

    >>> scanner = JsonObjectScanner()
    >>> [scanner.feed(piece) for piece in ("{", '"why": "a \\', '" and a }"', "}", " Hope this helps!")]
    [False, False, False, True, True]
    >>> scanner.closed_at
    23
    """

    def __init__(self, *, inside: bool = False, thinking: Mark | None = None, marks: tuple[Mark, ...] = MARKS) -> None:
        """With ``inside`` the text begins right after the brace of the first object."""
        self._state = _State.OBJECT if inside else _State.OUTSIDE if thinking is None else _State.THINKING
        self._depth = 1 if inside else 0
        self._held = ""  # the beginning of a mark or an escape at the end of the last piece
        self._marks = {mark.opens: mark for mark in marks}
        self._openings, self._start = tuple(self._marks), _start(marks)
        self._mark = thinking
        self._read = 0
        self._closed_at: int | None = None

    @property
    def closed(self) -> bool:
        """Whether the first JSON object has closed."""
        return self._closed_at is not None

    @property
    def closed_at(self) -> int | None:
        """How many characters had been fed when it closed, its last brace included; None while it is open."""
        return self._closed_at

    def feed(self, piece: str) -> bool:
        """Reads on; the answer is ``closed``."""
        if not self.closed:
            text = self._held + piece
            before = self._read - len(self._held)
            self._held = ""
            self._read += len(piece)
            at = 0
            if before == 0 and self._state is _State.OUTSIDE and BARE.opens.startswith(text[: len(BARE.opens)]):
                if len(text) < len(BARE.opens):
                    self._held = text
                    return False
                self._mark, self._state = BARE, _State.THINKING
            while at < len(text) and not self.closed:
                at = self._advance(text, at)
            if self._closed_at is not None:
                self._closed_at += before
        return self.closed

    def _advance(self, text: str, at: int) -> int:
        """Reads ``text`` from ``at`` to the next change of state, and returns how far it came. So do the five below."""
        match self._state:
            case _State.OUTSIDE:
                return self._outside(text, at)
            case _State.OPENING:
                return self._opening(text, at)
            case _State.THINKING:
                return self._thinking(text, at)
            case _State.OBJECT:
                return self._object(text, at)
            case _State.STRING:
                return self._string(text, at)

    def _outside(self, text: str, at: int) -> int:
        start = self._start.search(text, at)
        if start is None:
            return self._hold(text, at, self._openings)
        if start[0] in self._marks:
            self._mark, self._state = self._marks[start[0]], _State.THINKING
        elif not self._opens(text[start.end() - 1], start.end()):
            self._state = _State.OPENING
        return start.end()

    def _opening(self, text: str, at: int) -> int:
        space = _SPACE.match(text, at)
        end = space.end() if space else at
        if end == len(text):
            return end
        if self._opens(text[end], end + 1):
            return end + 1
        self._state = _State.OUTSIDE
        return end

    def _opens(self, character: str, end: int) -> bool:
        """Enters an object, if this is the ``character`` that may follow its brace."""
        if character == '"':
            self._depth, self._state = 1, _State.STRING
        elif character == "}":
            self._closed_at = end
        return character in '"}'

    def _thinking(self, text: str, at: int) -> int:
        ends = self._mark.ends if self._mark is not None else ()
        end = _any(ends).search(text, at)
        if end is None:
            return self._hold(text, at, ends)
        self._state = _State.OUTSIDE
        return end.end()

    def _object(self, text: str, at: int) -> int:
        while match := _STRUCTURE.search(text, at):
            start, at = match.span()
            if text[start] == "{":
                self._depth += at - start
            elif text[start] == "}":
                if at - start >= self._depth:
                    self._closed_at = start + self._depth
                    return at
                self._depth -= at - start
            elif at - start == 1 or text[at - 1] != '"':  # a string that has an escape, or goes on in the next piece
                self._state = _State.STRING
                return at
        return len(text)

    def _string(self, text: str, at: int) -> int:
        match = _IN_STRING.search(text, at)
        if match is None:
            return len(text)
        if text[match.start()] == '"':
            self._state = _State.OBJECT
            return match.end()
        if (match.end() - match.start()) % 2 == 0:
            return match.end()
        if match.end() == len(text):
            self._held = "\\"
            return match.end()
        return match.end() + 1

    def _hold(self, text: str, at: int, words: tuple[str, ...]) -> int:
        """Keeps the longest end of ``text`` that may become one of ``words``."""
        beginnings, longest = _beginnings(words)
        for size in range(min(longest, len(text) - at), 0, -1):
            end = text[len(text) - size :]
            if end in beginnings:
                self._held = end
                break
        return len(text)


@lru_cache(maxsize=64)
def _any(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(any_of(words))


@lru_cache(maxsize=64)
def _beginnings(words: tuple[str, ...]) -> tuple[frozenset[str], int]:
    """All that may become one of ``words``, and how long it is at most."""
    beginnings = frozenset(word[:size] for word in words for size in range(1, len(word)))
    return beginnings, max(map(len, beginnings), default=0)


@lru_cache(maxsize=16)
def _start(marks: tuple[Mark, ...]) -> re.Pattern[str]:
    """The beginning of reasoning, or of an object."""
    return re.compile(f"{any_of(mark.opens for mark in marks)}|{_OBJECT}")


class StopCondition:
    """Says when an answer may be ended: ``tail`` tokens after its first JSON object closed; with None, never.

    ``rendered`` is the prompt that was read, ``prefill`` included, or None where it is not known. ``own`` are the marks
    of reasoning that the alias names. An object that turns out to be a draft, because reasoning begins or ends behind
    it, ends nothing.

    >>> end = StopCondition(None, "{", tail=1)
    >>> [end.hear(token) for token in ('"a"', ": 1", "}", " Hope", " this")]
    [False, False, False, True, True]
    """

    def __init__(self, rendered: str | None, prefill: str, tail: int | None, own: Sequence[str] = ()) -> None:
        self._tail = tail
        self._behind = ""  # what was written since the object closed, a piece for each token
        self._count = 0
        self._marks = marks_with(own)
        self._openings = {mark.opens: mark for mark in self._marks}
        self._scanner = JsonObjectScanner(thinking=opened_by_prompt(rendered, prefill, own), marks=self._marks)
        self._read = 0
        self._feed(prefill)

    def hear(self, token: str) -> bool:
        """Reads the text of one more token; whether the answer may end with it."""
        if self._tail is None:
            return False
        self._count += self._scanner.closed
        self._feed(token)
        return self._scanner.closed and self._count >= self._tail

    def _feed(self, piece: str) -> None:
        was_closed = self._scanner.closed
        self._scanner.feed(piece)
        self._read += len(piece)
        if self._scanner.closed_at is None:
            return
        self._behind += piece if was_closed else piece[len(piece) - (self._read - self._scanner.closed_at) :]
        if found := marks_in(self._marks).search(self._behind):
            rest = self._behind[found.end() :]
            self._scanner = JsonObjectScanner(thinking=self._openings.get(found[0]), marks=self._marks)
            self._read, self._behind, self._count = 0, "", 0
            self._feed(rest)


def object_end(text: str, start: int) -> int | None:
    """Where the braces that open at ``text[start]`` have closed (the index after), None where they never do.

    >>> object_end('see {"a": "}"} there', 4)
    14
    """
    scanner = JsonObjectScanner(inside=True)
    scanner.feed(text[start + 1 :])
    return None if scanner.closed_at is None else start + 1 + scanner.closed_at
