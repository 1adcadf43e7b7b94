"""Turns what a model wrote into an Output: the object that was dug out of it, and what is wrong with the text.

Nothing is repaired: an object is taken as it stands or not at all, and one that readers would understand
differently (a key given twice, a number that no double holds) is not taken. Time is linear in the text, and
any text at all has an Output. Where an answer goes past what a person would read, the bounds below hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Any

from evalkit.golden.schema import Schema, brief, path_of
from evalkit.models.backend import Completion
from evalkit.models.request import Message
from evalkit.models.stream_end import OBJECT, THINK, begins_in_thinking, object_end, split_thinking

DEFECTS: Mapping[str, str] = {
    "empty": "Nothing was answered.",
    "prose_before": "Other text stands before the object, or in its place.",
    "prose_after": "Other text stands after the object.",
    "code_fence": "The object is wrapped in a Markdown code fence.",
    "prompt_echo": "Before any object the answer repeats a stretch of the prompt.",
    "role_marker": "Outside the object stand chat role words or tokens of a chat template.",
    "several_objects": "There is more than one JSON object side by side.",
    "truncated": "The answer ends before an object, or its reasoning, has closed.",
    "not_json": "An object begins, but what follows is not JSON.",
    "duplicate_key": "An object gives a key more than once.",
    "not_finite": "An object holds NaN, an infinity, or a number too large for a double.",
    "unclosed_thinking": "The reasoning never closes, so there is no answer.",
    "schema_violation": "There is a JSON object, but the schema refuses all there are.",
    "refusal": "The model declines in words and there is no object, or its API says that it was refused.",
}
"""What can be wrong with an answer, in the order in which an Output names it. Several may hold at once."""

DEEPEST = 100
"""An object nested deeper than this is refused as a schema violation, whatever the schema says."""

MOST_STARTS = 100
"""At most so many places of one answer at which an object begins are read; the rest counts as text."""

MOST_CHARACTERS = 100_000
"""The objects of one answer are held against the schema up to so many characters together, and of the text
beside them so many are looked at, half from either end. (Up to there a schema may cost what its keywords
cost: ``uniqueItems`` over objects is quadratic.)"""

ECHO = 40
"""A repeated stretch of the prompt is an echo from so many characters on, or when it is the whole message."""

_WHITESPACE = " \t\n\r"
_BEGUN = re.compile(r"""\{[ \t\n\r]*(?:["'}]|\w++[ \t]*:|\Z)""")
"""What was meant to be an object, whether or not it is JSON: ``{'a': 1``, ``{a: 1``, and a ``{`` at the end."""

_FENCE = re.compile(r"`{3,}[\w+-]*")
_ROLE = re.compile(
    r"""<[|｜][^|｜<>\n]{1,40}[|｜]>(?:(?:system|user|assistant)\b)?            # tokens of chat templates
      | \[/?INST\] | <</?SYS>> | </?s> | <(?:bos|eos|pad|unk)> | <(?:start|end)_of_turn> | </?think>
      | ^[ \t]*(?:\#{1,3}[ ]?)?(?i:system|user|assistant|human)[ \t]*:         # a transcript
      | ^[ \t]*\#{2,3}[ ]?(?i:instruction|input|response)[ \t]*:
      | ^[ \t]*(?:(?:system|user|assistant|model)[ \t]*){1,3}\r?$             # a line of role words only
      | \b(system|user|assistant)(?:\s*\1)+\b                                # a role word again and again
    """,
    re.VERBOSE | re.MULTILINE,
)
_REFUSAL = re.compile(
    r"""[\s{"'*]*
        (?:(?:i['’]?m\s|i\sam\s)?(?:very\s|so\s|really\s)?(?:sorry|apologi[sz]e|unfortunately|as\san\sai)\b[^{}]{0,120}?
          |i\sapologi[sz]e\b[^{}]{0,120}?)?
        \bi(?:['’]m|\sam)?\s
        (?:can(?:['’]?t|not|\snot)|won['’]?t|will\snot|unable\sto|not\s(?:able|allowed)\sto|must\sdecline
          |do(?:n['’]?t|\snot)\shave\s(?:access|the\sability))\b""",
    re.VERBOSE | re.IGNORECASE,
)
_CUT = re.compile(r"u[0-9a-fA-F]{0,3}|\.|[eE][+-]?|")


@dataclass(frozen=True, slots=True)
class Output:
    """What was read from one answer.

    ``value`` is the first object that the schema accepts, None when there is none. ``strict`` says that the
    whole answer, outer white space aside, is that one object and nothing is wrong with it; then ``defects``
    is empty, and only then. ``answer`` is the judged text, prefill and completion without the reasoning.
    ``why`` is one line, empty when strict: what was wrong with the first object, or with what stands there
    in its place.
    """

    value: Mapping[str, Any] | None
    strict: bool
    defects: tuple[str, ...]
    thinking: str | None
    answer: str
    why: str

    @property
    def extractable(self) -> bool:
        """Whether an object that the schema accepts could be dug out."""
        return self.value is not None


@dataclass(frozen=True, slots=True)
class _Found:
    """A JSON object that is there; ``value`` is None when it can't be taken, for ``defects``."""

    start: int
    end: int
    value: Mapping[str, Any] | None = None
    defects: frozenset[str] = frozenset()
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Broken:
    """Something that begins like an object and is none.

    ``cut``: it was JSON as far as the text goes. ``end`` is where its braces close, None when they never do
    (known of the first one in a text only).
    """

    start: int
    end: int | None
    cut: bool
    why: str


def parse(completion: Completion, *, prefill: str, schema: Schema, messages: Sequence[Message] = ()) -> Output:
    """Reads one answer. ``messages`` are what was asked, for telling an echo of it.

    An object is extractable when it stands in the text side by side with whatever else, is JSON as it is,
    and the schema accepts it; an object inside another is never taken for it. It is neither strict nor
    extractable when it gives a key twice or holds a number that is not finite, because readers differ in
    what they make of these. Where several objects are accepted the first is the value.

    >>> from evalkit.models.backend import Completion
    >>> output = parse(Completion('Sure! {"a": 1}', "stop"), prefill="", schema=Schema({"required": ["a"]}))
    >>> output.value, output.strict, output.defects, output.why
    ({'a': 1}, False, ('prose_before',), "before the object: 'Sure! '")
    """
    text = prefill + completion.text
    if begins_in_thinking(completion.rendered, prefill):
        text = THINK + text
    thinking, answer, thought = split_thinking(text)
    found, broken = _objects(answer, schema) if thought else ([], [])
    value = next((each.value for each in found if each.value is not None), None)
    before, after, closes = _around(answer, found, broken)
    names = {name for each in found for name in each.defects if name != "schema_violation" or value is None}

    if _echoes(before if found else OBJECT.split(answer[:MOST_CHARACTERS], maxsplit=1)[0], messages):
        names.add("prompt_echo")
    outside = f"{_ends(before)}\n{_ends(after)}"
    if "```" in outside:
        names.add("code_fence")
    if _ROLE.search(outside):
        names.add("role_marker")
    before_left, after_left = (_unmarked(_ends(side)) for side in (before, after))
    if not found and thought and not (answer.strip() and completion.text.strip()):
        names.add("empty")
    elif not found and _REFUSAL.match(_unmarked(_ends(answer))):
        names.add("refusal")
    elif before_left:
        names.add("prose_before")
    if completion.finish_reason == "refusal":
        names.add("refusal")
    if after_left:
        names.add("prose_after")
    if len(found) > 1:
        names.add("several_objects")
    if not thought:
        names |= {"truncated", "unclosed_thinking"}
    # What follows an object that has closed was cut off by the backend, not by the model.
    cut = bool(broken) and broken[-1].cut and completion.finish_reason != "object_closed"
    if value is None and (cut or not closes or (completion.finish_reason == "length" and not found)):
        names.add("truncated")
    if broken and not found and not broken[0].cut:
        names.add("not_json")

    strict = value is not None and not names
    why = "" if strict else _why(answer, thought, found, broken, before, after)
    thinking = completion.thinking if thinking is None else thinking  # a server may have set it apart already
    return Output(value, strict, tuple(name for name in DEFECTS if name in names), thinking, answer, why)


def _objects(text: str, schema: Schema) -> tuple[list[_Found], list[_Broken]]:
    """The objects that stand side by side in ``text``, and the beginnings of objects that came to nothing.

    What one attempt has read is never read by another, which is what makes this linear: after an object the
    search goes on behind it, after a broken one at the character that broke it.
    """
    found: list[_Found] = []
    broken: list[_Broken] = []
    noted: dict[str, str] = {}
    decoder = _decoder(noted)
    at, checked, last = 0, 0, len(text.rstrip(_WHITESPACE))
    for _ in range(MOST_STARTS):
        begun = _BEGUN.search(text, at)
        if begun is None:
            break
        start = begun.start()
        noted.clear()
        try:
            value, at = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            unterminated = error.msg.startswith("Unterminated string")
            rest = text[error.pos : min(last, error.pos + 20)]
            ending = error.pos + len(rest) >= last and (_CUT.fullmatch(rest) or _is_begun_word(rest))
            cut = unterminated or bool(ending)
            why = f"the object never closes: it ends in {brief.repr(text[-40:])}"
            if not cut:
                why = f"not JSON at character {error.pos}: {error.msg.lower()}, got {brief.repr(rest)}"
            end = None if cut or broken else object_end(text, start)
            broken.append(_Broken(start, end, cut, why))
            at = len(text) if unterminated else max(start + 1, error.pos)
            continue
        except RecursionError:
            end = object_end(text, start)
            if end is None:
                broken.append(
                    _Broken(start, None, True, f"the object never closes and is nested deeper than {DEEPEST}")
                )
                break
            at, value = end, None
        checked += at - start
        if value is None or (checked <= MOST_CHARACTERS and _deep(value)):
            noted["schema_violation"] = f"the object: nested deeper than {DEEPEST}"
        elif checked > MOST_CHARACTERS:
            noted["schema_violation"] = f"the object: ends after {checked} characters, read are {MOST_CHARACTERS}"
        elif not noted and (violation := schema.violation(value)):
            noted["schema_violation"] = violation
        why = next(iter(noted.values()), "")
        found.append(_Found(start, at, None if noted else value, frozenset(noted), why))
    return found, broken


def _is_begun_word(text: str) -> bool:
    return any(word.startswith(text) for word in ("true", "false", "null", "NaN", "Infinity", "-Infinity"))


def _decoder(noted: dict[str, str]) -> json.JSONDecoder:
    """A decoder that notes what Python's would pass over in silence (or, for a huge integer, raise)."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            noted.setdefault("duplicate_key", f"{path_of([twice])}: given more than once")
        return value

    def constant(text: str) -> float:
        if "not_finite" not in noted:
            noted["not_finite"] = f"{brief.repr(text)} is not a finite number"
        return inf

    def real(text: str) -> float:
        value = float(text)
        return constant(text) if isinf(value) else value

    def integer(text: str) -> float:
        # The largest double has 309 digits; int() refuses text beyond a limit that users may set.
        return int(text) if len(text) < 309 or not isinf(real(text)) else inf

    return json.JSONDecoder(object_pairs_hook=unique, parse_constant=constant, parse_float=real, parse_int=integer)


def _deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        inner = [part for each in level for part in (each.values() if isinstance(each, dict) else each)]
        level = [part for part in inner if isinstance(part, dict | list)]
        if not level:
            return False
    return True


def _around(text: str, found: list[_Found], broken: list[_Broken]) -> tuple[str, str, bool]:
    """The text before and after the objects (or what was meant for one), and whether this closes at all."""
    if found:
        edges = [*(each.start for each in found[1:]), len(text)]
        after = [text[each.end : edge] for each, edge in zip(found, edges, strict=True)]
        return text[: found[0].start], "\n".join(after), True
    if not broken:
        return text, "", True
    end = broken[0].end
    return text[: broken[0].start], text[end:] if end is not None else "", end is not None


def _ends(text: str) -> str:
    """``text`` without outer white space and, where it is very long, without its middle."""
    text = text.strip(_WHITESPACE)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS // 2]}\n{text[-MOST_CHARACTERS // 2 :]}"


def _unmarked(text: str) -> str:
    """``text`` without the fences and role markers, which are defects of their own."""
    return _ROLE.sub("", _FENCE.sub("", text)).strip(_WHITESPACE)


def _echoes(head: str, messages: Sequence[Message]) -> bool:
    head = " ".join(head[:MOST_CHARACTERS].split())
    for message in messages:
        said = " ".join(message.content[:MOST_CHARACTERS].split())
        size = min(ECHO, len(said))
        # A message of a word or two is no echo when it comes up again.
        if message.role == "assistant" or size < 10:
            continue
        stretches = {said[at : at + size] for at in range(len(said) - size + 1)}
        if any(head[at : at + size] in stretches for at in range(len(head) - size + 1)):
            return True
    return False


def _why(answer: str, thought: bool, found: list[_Found], broken: list[_Broken], before: str, after: str) -> str:
    if not thought:
        return "the reasoning never closes"
    if found and all(each.value is None for each in found):
        return found[0].why
    if not found and broken:
        return broken[0].why
    if not answer.strip():
        return "the answer is empty"
    if not found:
        return f"no object: {brief.repr(answer)}"
    if before.strip(_WHITESPACE):
        return f"before the object: {brief.repr(before)}"
    if after.strip(_WHITESPACE):
        return f"after the object: {brief.repr(after)}"
    return f"another object at character {found[1].start}"
