"""Turns what a model wrote into an Output: the object that was dug out of it, and what is wrong with the text.

Nothing is repaired: an object is taken as it stands or not at all. Any text at all has an Output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit._internal.strict_json import brief
from evalkit.golden.schema import Schema
from evalkit.judging.defects import (
    DEFECTS,
    echoes,
    has_fence,
    has_role_marker,
    is_refusal,
    without_markers,
    without_middle,
)
from evalkit.judging.json_objects import MOST_CHARACTERS, WHITESPACE, BrokenObject, FoundObject, find_objects
from evalkit.models.backend import Completion
from evalkit.models.reasoning import OBJECT, Split, opened_by_prompt, split_reasoning
from evalkit.models.request import Message


@dataclass(frozen=True, slots=True)
class Output:
    """What was read from one answer.

    ``value`` is the first object that the schema accepts, or the last one behind reasoning that stood in the text;
    None when there is none. ``strict`` says that the
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
class _Reading:
    """An answer's text, taken apart: the objects in it, and what stands ``before`` and ``after`` them (or what was
    meant for one). ``closes`` is false where that never does, ``thought`` where the reasoning never does. ``drafts`` is
    true where reasoning stood in the text, so that of several objects the last one counts."""

    answer: str
    thought: bool
    objects: Sequence[FoundObject]
    broken: Sequence[BrokenObject]
    before: str
    after: str
    closes: bool
    drafts: bool = False

    @property
    def value(self) -> Mapping[str, Any] | None:
        objects = reversed(self.objects) if self.drafts else self.objects
        return next((item.value for item in objects if item.value is not None), None)


def parse(
    completion: Completion,
    *,
    prefill: str,
    schema: Schema,
    messages: Sequence[Message] = (),
    reasoning: Sequence[str] = (),
) -> Output:
    """Reads one answer. ``messages`` are what was asked, for telling an echo of it; ``reasoning`` are the marks of
    reasoning that the alias names.

    An object is extractable when it stands in the text side by side with whatever else, is JSON as it is,
    and the schema accepts it; an object inside another is never taken for it. It is neither strict nor
    extractable when it gives a key twice or holds a number that is not finite or half a surrogate pair, because
    readers differ in what they make of these. Where several objects are accepted the first is the value; where
    reasoning stood in the text, the last: what was written before is a draft.

    >>> from evalkit.models.backend import Completion
    >>> output = parse(Completion('Sure! {"a": 1}', "stop"), prefill="", schema=Schema({"required": ["a"]}))
    >>> output.value, output.strict, output.defects, output.why
    ({'a': 1}, False, ('prose_before',), "before the object: 'Sure! '")
    """
    text = prefill + completion.text
    # A server that handed the reasoning over apart took it out, whatever its prompt opens.
    apart = completion.thinking is not None
    opened = None if apart else opened_by_prompt(completion.rendered, prefill, reasoning)
    split = split_reasoning((opened.opens if opened is not None else "") + text, reasoning)
    reading = _read(split, schema)
    thinking = completion.thinking if split.thinking is None else split.thinking  # a server may have set it apart
    answer = split.answer
    names = {
        *_object_defects(reading),
        *_text_defects(reading, completion, messages, thinking),
        *_cut_defects(reading, completion),
    }
    value = reading.value
    strict = value is not None and not names
    defects = tuple(name for name in DEFECTS if name in names)
    return Output(value, strict, defects, thinking, answer, "" if strict else _why(reading))


def _read(split: Split, schema: Schema) -> _Reading:
    answer, thought, drafts = split.answer, split.closed, split.thinking is not None
    objects, broken = find_objects(answer, schema) if thought else ([], [])
    if objects:
        edges = [*(item.start for item in objects[1:]), len(answer)]
        after = "\n".join(answer[item.end : edge] for item, edge in zip(objects, edges, strict=True))
        return _Reading(answer, thought, objects, broken, answer[: objects[0].start], after, True, drafts)
    if not broken:
        return _Reading(answer, thought, objects, broken, answer, "", True, drafts)
    start, end = broken[0].start, broken[0].end
    after = answer[end:] if end is not None else ""
    return _Reading(answer, thought, objects, broken, answer[:start], after, end is not None, drafts)


def _object_defects(reading: _Reading) -> Iterator[str]:
    """What is wrong with the objects. What the schema refuses counts only where it refuses all."""
    for item in reading.objects:
        yield from (name for name in item.defects if name != "schema_violation" or reading.value is None)
    if len(reading.objects) > 1:
        yield "several_objects"
    if any(not item.cut for item in reading.broken):
        yield "not_json"


def _text_defects(
    reading: _Reading, completion: Completion, messages: Sequence[Message], thinking: str | None
) -> Iterator[str]:
    """What is wrong with the text that stands around the objects, or in their place."""
    answer, objects = reading.answer, reading.objects
    beginning = reading.before if objects else OBJECT.split(answer[:MOST_CHARACTERS], maxsplit=1)[0]
    if echoes(beginning, messages) or (objects and echoes(reading.after, messages)):
        yield "prompt_echo"
    before, after = without_middle(reading.before), without_middle(reading.after)
    outside = f"{before}\n{after}"
    if has_fence(outside):
        yield "code_fence"
    if has_role_marker(outside):
        yield "role_marker"
    if not objects and reading.thought and not (answer.strip() and completion.text.strip()):
        yield "empty"
        if (thinking or "").strip():
            yield "only_reasoning"
    elif not objects and is_refusal(answer):
        yield "refusal"
    elif without_markers(before):
        yield "prose_before"
    if completion.finish_reason in ("refusal", "tool_call"):
        yield completion.finish_reason
    if without_markers(after):
        yield "prose_after"


def _cut_defects(reading: _Reading, completion: Completion) -> Iterator[str]:
    """What was not written to its end."""
    if not reading.thought:
        yield from ("truncated", "unclosed_thinking")
    # What follows an object that has closed was cut off by the backend, not by the model.
    cut = bool(reading.broken) and reading.broken[-1].cut and completion.finish_reason != "object_closed"
    ran_out = completion.finish_reason == "length" and not reading.objects
    if cut or not reading.closes or ran_out:
        yield "truncated"


def _why(reading: _Reading) -> str:
    """In one line what is wrong with the first object, or with what stands there in its place."""
    objects, broken = reading.objects, reading.broken
    if not reading.thought:
        return "the reasoning never closes"
    if objects and all(item.value is None for item in objects):
        return objects[0].why
    if not objects and broken:
        return broken[0].why
    if not reading.answer.strip():
        return "nothing stands behind the reasoning" if reading.drafts else "the answer is empty"
    if not objects:
        return f"no object: {brief.repr(reading.answer)}"
    if reading.before.strip(WHITESPACE):
        return f"before the object: {brief.repr(reading.before)}"
    if reading.after.strip(WHITESPACE):
        return f"after the object: {brief.repr(reading.after)}"
    if len(objects) > 1:
        return f"another object at character {objects[1].start}"
    return "the API says that it was refused"
