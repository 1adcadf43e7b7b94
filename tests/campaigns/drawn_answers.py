"""Draws answers of models: right ones, and right ones to which something was done, up to a megabyte of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, get_args

from evalkit.golden.model import Example, Task
from evalkit.models.backend import Completion, FinishReason
from evalkit.models.reasoning import MARK, MARKS, any_of

OPEN_TASK = "anything"
"""The name under which cases are drawn whose schema takes every object: strictness is then the reader's alone."""

PIECES = (
    "{", "}", "[", "]", ":", ",", '"', "\\", "\\u", "\\ud83d", "\\ude00", "\ud83d", "\ude00", "\x00", "\x1f", "\x7f",
    "\u2028", "\ufeff", "\u00a0", "\x0b", "\x85", "\u200b", "'", "“", "：", "//", "/*", "*/", "#", "<!--", "null",
    "NaN", "-Infinity", "True", "None", "undefined", "1", "-", "+", ".", "e", "E+", "0", "٣", "é", "e\u0301", "😀", " ",
    "\n", "\r\n", "\t", "```", "```json\n", "`", "<|im_end|>", "<|im_start|>assistant", "[/INST]", "</s>", "assistant",
    "user:", "### Response:", "{'a': 1}", '{"a": 1}', '{"a"', "{{", "}}", "{a:", '{"', '\\"', '{\\"a\\": 1}',
    "I'm sorry, but I can't help with that.", "Sure! ", "\n\nHope this helps", "<tool_call>", "<script>", "\x1b[2J",
)  # fmt: skip
NUMBERS = (
    "1e400", "-1e400", "9" * 308, "1" + "0" * 308, "9" * 309, "9" * 5000, "1.7976931348623157e308", "1.8e308", "1e-400",
    "179769313486231580793728971405301e276", "-0", "-0.0", "01", "1.", ".5", "+1", "0x1", "1e", "1E+2", "1_000", "1,5",
    "NaN", "Infinity", "-Infinity", "-", "0." + "0" * 400 + "1", "1e99999999999999999999", "٣", "1.0", "0", "2", "nan",
)  # fmt: skip
WORDS = (
    "Well, ",
    "a cut ",
    '{"a": 1} ',
    "} ",
    "{ ",
    '"',
    "so 1 it is. ",
    "\n",
    "é",
    "Wait. ",
    "```json\n{} ",
    "assistant",
)
MOST = 1_000_000
_MARKED = re.compile(rf"{MARK}|{any_of(mark.opens for mark in MARKS)}|<[|｜]|^\s*analysis")
"""Where a text may hold reasoning of its own."""


@dataclass(frozen=True, slots=True)
class DrawnAnswer:
    """An answer of ``kind`` to ``example`` (None: to anything). ``judged`` is what is left of it behind reasoning that
    was put before it, empty where that never closes, None where it is not known."""

    task: str
    example: Example | None
    kind: str
    prefill: str
    completion: Completion
    judged: str | None


def draw(tasks: Mapping[str, Task], random: Random) -> DrawnAnswer:
    """One answer."""
    name = random.choice([OPEN_TASK, *tasks])
    task = tasks[random.choice(list(tasks)) if name == OPEN_TASK else name]
    example = random.choice(task.splits["test"])
    expected = {"anything": [example.expected]} if name == OPEN_TASK and random.random() < 0.5 else example.expected
    text, kinds = _spelled(expected, random), []
    for _ in range(random.choice([0, 1, 1, 1, 2, 3])):
        kind = random.choice(list(HARMS)) if random.random() > 0.004 else "long"
        kinds.append(kind)
        text = (_lengthened if kind == "long" else HARMS[kind])(text, random)[:MOST]
    whole, rendered, unclosed = text, None, False
    if random.random() < 0.25:
        whole, rendered, unclosed = _behind_reasoning(text, random)
        kinds.append("unclosed reasoning" if unclosed else "reasoning")
    known = not _MARKED.search(text) and not (unclosed and "```" in text)  # which closes reasoning in a fence
    prefill = whole[: random.choice([0, 0, 0, 1, 12])] if rendered is None else ""
    finish = random.choice(["stop", "stop", "stop", *get_args(FinishReason)])
    thinking = random.choice([None, None, "", "Hm. "]) if rendered is None else None
    completion = Completion(whole[len(prefill) :], finish, rendered, thinking=thinking)
    kind = kinds[0] if len(kinds) == 1 else f"{len(kinds)} harms" if kinds else "right"
    judged = None if not known else "" if unclosed else text
    return DrawnAnswer(name, None if name == OPEN_TASK else example, kind, prefill, completion, judged)


def _spelled(value: Any, random: Random) -> str:
    separators = random.choice([None, (",", ":"), (" , ", "\r\n:\t")])
    indent, ascii_only = random.choice([None, 1]), random.random() < 0.5
    spelled = json.dumps(value, ensure_ascii=ascii_only, indent=indent, separators=separators)
    return random.choice(["", "", "\n", " \t"]) + spelled + random.choice(["", "", "\n", "\r\n  "])


def _behind_reasoning(text: str, random: Random) -> tuple[str, str | None, bool]:
    """``text`` behind reasoning, the prompt where that opened it, and whether it never closes."""
    mark = random.choice(MARKS)
    # A fence is the mark of some, and would close there.
    words = [word for word in WORDS if not any(end in word for end in mark.ends)]
    thought = "".join(random.choice(words) for _ in range(random.choice([0, 3, 30])))
    opened = mark.opens + mark.label
    # What may be text elsewhere is a mark only where both stand.
    closes = "" if mark.alone and random.random() < 0.1 else random.choice(mark.ends)
    if mark.alone and random.random() < 0.3:
        return thought + closes + text, f"<|im_start|>assistant\n{opened}\n", not closes
    return opened + thought + closes + text, None, not closes


# -- what is done to a text -----------------------------------------------------------------------------


def _change(text: str, random: Random) -> str:
    """Signs are taken out, put in, or put twice."""
    for _ in range(random.choice([1, 1, 2, 8])):
        start = random.randint(0, len(text))
        end = min(len(text), start + random.choice([0, 1, 1, 5]))
        text = text[:start] + random.choice(["", random.choice(PIECES), text[start:end] * 2]) + text[end:]
    return text


def _cut(text: str, random: Random) -> str:
    return text[: random.randint(0, len(text))] if random.random() < 0.8 else text[random.randint(0, len(text)) :]


def _fence(text: str, random: Random) -> str:
    ticks = random.choice(["```", "````", "~~~", "`"])
    return f"{ticks}{random.choice(['', 'json', 'JSON', 'python'])}\n{text}{random.choice(['', chr(10)])}{ticks}"


def _prose(text: str, random: Random) -> str:
    said = random.choice(["Sure! Here it is:\n", "I'm sorry.", "Note: ", "{", "<b>", "\x0b", "\ufeff", "\u00a0", "."])
    return random.choice([said + text, text + said, said + text + said])


def _role(text: str, random: Random) -> str:
    said = random.choice(["assistant", "<|im_end|>", "### Response:\n", "user: ", "[/INST]", "</s>", "<｜User｜>"])
    return random.choice([said + text, text + said, f"{text}\n{said}\n{text}"])


def _twice(text: str, random: Random) -> str:
    """A key of one of its objects is given again."""
    keys = list(re.finditer(r'("(?:[^"\\]|\\.)*")\s*:', text))
    if not keys:
        return text
    key = random.choice(keys)
    again = key[1] if random.random() < 0.5 else f'"\\u{ord(key[1][1]):04x}{key[1][2:]}'
    return f"{text[: key.start()]}{again}: {random.choice(['null', '1', '{}'])}, {text[key.start() :]}"


def _number(text: str, random: Random) -> str:
    numbers = list(re.finditer(r"-?\d+(?:\.\d+)?", text))
    place = random.choice(numbers) if numbers else None
    other = random.choice(NUMBERS)
    return f"{text[: place.start()]}{other}{text[place.end() :]}" if place else f'{{"anything": {other}}}'


def _surrogate(text: str, random: Random) -> str:
    quotes = [match.end() for match in re.finditer('"', text)] or [0]
    at, half = random.choice(quotes), random.choice(["\\ud83d", "\\ude00", "\ud83d", "\\ud83d\\ude00", "\\uD83D\ude00"])
    return text[:at] + half + text[at:]


def _deep(text: str, random: Random) -> str:
    depth = random.choice([2, 50, 97, 98, 99, 100, 101, 1000, 50_000])
    begins, ends = random.choice([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
    inner = begins * depth + "1" + ends * random.choice([depth, depth, depth, depth - 1, 0])
    return random.choice([f'{{"anything": {inner}}}', text.replace(":", f":{inner},", 1), inner, text + inner])


def _several(text: str, random: Random) -> str:
    return random.choice(["", "\n", ",", " or "]).join([text] * random.choice([2, 3, 200]))


def _soup(text: str, random: Random) -> str:  # noqa: ARG001
    marks = [word for mark in MARKS for word in (mark.opens, mark.closes)]
    return "".join(random.choice((*PIECES, *marks)) for _ in range(random.choice([3, 10, 60])))


def _mark(text: str, random: Random) -> str:
    """A mark of reasoning stands somewhere in it, or a pair does."""
    mark = random.choice(MARKS)
    for word in random.choice([[mark.opens], [mark.closes], [mark.closes, mark.opens]]):
        at = random.randint(0, len(text))
        text = text[:at] + word + text[at:]
    return text


def _lengthened(text: str, random: Random) -> str:
    """A piece stands so often in it, at one place, that it is very long."""
    piece = random.choice([*PIECES, *WORDS, text, "x", " ", '{"a": ', "<think>", "</think>", '{"a": 1}\n', "<think>{"])
    at = random.choice([0, len(text), random.randint(0, len(text))])
    length = random.choice([90_000, 100_001, 300_000, MOST])
    return text[:at] + (piece * (length // max(1, len(piece)))) + text[at:]


HARMS: Mapping[str, Callable[[str, Random], str]] = {
    "changed": _change, "cut": _cut, "fence": _fence, "prose": _prose, "role": _role, "twice": _twice,
    "number": _number, "surrogate": _surrogate, "deep": _deep, "several": _several, "soup": _soup, "mark": _mark,
}  # fmt: skip
