"""Where reasoning ends and the first JSON object closes: told token by token, and of a whole text.

A JSON object begins at a ``{`` that is followed, white space aside, by a ``"`` or a ``}``: the braces of
prose (``{headline}``) and a ``{`` that the model writes once more after a prefilled one begin nothing.
Reasoning is what stands between ``<think>`` and ``</think>`` before the first object; inside a string of an
object, or after it, these are text like any other.
"""

from __future__ import annotations

import re
from enum import Enum

THINK, UNTHINK = "<think>", "</think>"
OBJECT = re.compile(r'\{[ \t\n\r]*["}]')
"""The beginning of a JSON object."""

# A brace at the end of a piece may still begin an object: `\Z` lets it match, and the next piece decides.
_START = re.compile(r'<think>|\{[ \t\n\r]*(?:["}]|\Z)')
_SPACE = re.compile(r"[ \t\n\r]*")
# Runs, not single characters: a text of a million braces or backslashes is then a handful of matches.
_STRUCTURE = re.compile(r'\{+|\}+|"[^"\\]*"?')
_IN_STRING = re.compile(r'"|\\+')
_THINK_OR_OBJECT = re.compile(rf"{THINK}|{OBJECT.pattern}")


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
    ``begins_in_thinking``), feed it ``<think>`` before all. Pieces may be cut anywhere, inside an escape or
    inside a tag; time is linear in the text and memory constant. It counts braces outside strings and does
    not check the JSON between them. What follows the first object is not looked at.

    >>> scanner = JsonObjectScanner()
    >>> [scanner.feed(piece) for piece in ("{", '"why": "a \\', '" and a }"', "}", " Hope this helps!")]
    [False, False, False, True, True]
    >>> scanner.closed_at
    23
    """

    def __init__(self, *, inside: bool = False) -> None:
        """With ``inside`` the text begins right after the brace of the first object."""
        self._state = _State.OBJECT if inside else _State.OUTSIDE
        self._depth = 1 if inside else 0
        self._held = ""  # the beginning of a tag or an escape at the end of the last piece: 7 characters at most
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
        start = _START.search(text, at)
        if start is None:
            return self._hold(text, at, THINK)
        if start[0] == THINK:
            self._state = _State.THINKING
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
        end = text.find(UNTHINK, at)
        if end < 0:
            return self._hold(text, at, UNTHINK)
        self._state = _State.OUTSIDE
        return end + len(UNTHINK)

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

    def _hold(self, text: str, at: int, tag: str) -> int:
        """Keeps the longest end of ``text`` that may become ``tag``."""
        for size in range(min(len(tag) - 1, len(text) - at), 0, -1):
            if text.endswith(tag[:size]):
                self._held = tag[:size]
                break
        return len(text)


class StopCondition:
    """Says when an answer may be ended: ``tail`` tokens after its first JSON object closed; with None, never.

    ``rendered`` is the prompt that was read, ``prefill`` included, or None where it is not known.

    >>> end = StopCondition(None, "{", tail=1)
    >>> [end.hear(token) for token in ('"a"', ": 1", "}", " Hope", " this")]
    [False, False, False, True, True]
    """

    def __init__(self, rendered: str | None, prefill: str, tail: int | None) -> None:
        self._tail = tail
        self._after = 0  # tokens since the object closed
        self._scanner = JsonObjectScanner()
        if begins_in_thinking(rendered, prefill):
            self._scanner.feed(THINK)
        self._scanner.feed(prefill)

    def hear(self, token: str) -> bool:
        """Reads the text of one more token; whether the answer may end with it."""
        self._after += self._scanner.closed
        self._scanner.feed(token)
        return self._tail is not None and self._scanner.closed and self._after >= self._tail


def object_end(text: str, start: int) -> int | None:
    """Where the braces that open at ``text[start]`` have closed (the index after), None where they never do.

    >>> object_end('see {"a": "}"} there', 4)
    14
    """
    scanner = JsonObjectScanner(inside=True)
    scanner.feed(text[start + 1 :])
    return None if scanner.closed_at is None else start + 1 + scanner.closed_at


def begins_in_thinking(rendered: str | None, prefill: str) -> bool:
    r"""Whether the prompt itself opens the reasoning, so that an answer begins inside it.

    ``rendered`` is the prompt that the model read, ``prefill`` included; None when it is not known.

    >>> begins_in_thinking("<|im_start|>assistant\n<think>\n", "")
    True
    """
    return rendered is not None and rendered.removesuffix(prefill).rstrip().endswith(THINK)


def split_thinking(text: str) -> tuple[str | None, str, bool]:
    """Takes the reasoning out of ``text``: (reasoning or None, the rest, whether the reasoning closed).

    Several stretches are joined by a line break. Of reasoning that never closes all is reasoning.

    >>> split_thinking('<think>a cut, so YES</think>{"direction": 1}')
    ('a cut, so YES', '{"direction": 1}', True)
    """
    if THINK not in text:
        return None, text, True
    thinking: list[str] = []
    rest: list[str] = []
    at = 0
    while (start := _THINK_OR_OBJECT.search(text, at)) and start[0] == THINK:
        rest.append(text[at : start.start()])
        end = text.find(UNTHINK, start.end())
        if end < 0:
            return "\n".join([*thinking, text[start.end() :]]), "".join(rest), False
        thinking.append(text[start.end() : end])
        at = end + len(UNTHINK)
    return "\n".join(thinking) if thinking else None, "".join([*rest, text[at:]]), True
