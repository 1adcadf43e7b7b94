"""What can be wrong with the text of an answer, and how each of these is seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from evalkit.judging.json_objects import MOST_CHARACTERS, WHITESPACE
from evalkit.models.reasoning import MARK
from evalkit.models.refusal import DECLINES
from evalkit.models.request import Message

DEFECTS: Mapping[str, str] = {
    "empty": "Nothing was answered.",
    "prose_before": "Other text stands before the object, or in its place.",
    "prose_after": "Other text stands after the object.",
    "code_fence": "The object is wrapped in a Markdown code fence.",
    "prompt_echo": "Beside the object, or in its place, the answer repeats a stretch of the prompt.",
    "role_marker": "Outside the object stand chat role words or tokens of a chat template.",
    "several_objects": "There is more than one JSON object side by side.",
    "truncated": "The answer ends before an object, or its reasoning, has closed.",
    "not_json": "An object begins, but what follows is not JSON.",
    "duplicate_key": "An object gives a key more than once.",
    "not_finite": "An object holds NaN, an infinity, or a number too large for a double.",
    "lone_surrogate": "An object holds half of a character (half a surrogate pair), which other readers refuse.",
    "unclosed_thinking": "The reasoning never closes, so there is no answer.",
    "schema_violation": "There is a JSON object, but the schema refuses all there are.",
    "only_reasoning": "All that came is reasoning: nothing stands behind it.",
    "tool_call": "The model calls a tool in the place of an answer.",
    "refusal": "The model declines in words and there is no object, or its API says that it was refused.",
}
"""What can be wrong with an answer, in the order in which an Output names it. Several may hold at once."""

ECHO = 40
"""A repeated stretch of the prompt is an echo from so many characters on, or when it is the whole message."""

_FENCE = re.compile(r"`{3,}[\w+-]*")
_ROLE = re.compile(
    rf"""<[|｜][^|｜<>\n]{{1,40}}[|｜]>(?:(?:system|user|assistant|model)(?![a-z]))?   # tokens of chat templates
      | <\|[a-z_]{{1,20}}>(?:system|user|assistant|model)?(?![a-z]) | <[a-z_]{{1,20}}\|>
      | \[/?INST\] | <</?SYS>> | </?s> | <(?:bos|eos|pad|unk)> | <(?:start|end)_of_turn>
      | {MARK}
      | ^[ \t]*(?:\#{{1,3}}[ ]?)?(?i:system|user|assistant|human)[ \t]*:         # a transcript
      | ^[ \t]*\#{{2,3}}[ ]?(?i:instruction|input|response)[ \t]*:
      | ^[ \t]*(?:(?:system|user|assistant|model)[ \t]*){{1,3}}\r?$             # a line of role words only
      | ^[ \t]*(?:system|user|assistant)(?=[^\x00-\x7f]|[A-Z{{`"\[<])           # a role word glued to what follows
      | (?<![A-Za-z])(system|user|assistant)(?:\s*\1)+(?![a-z])                # a role word again and again
    """,
    re.VERBOSE | re.MULTILINE,
)


def without_middle(text: str) -> str:
    """``text`` without outer white space and, where it is very long, without its middle."""
    text = text.strip(WHITESPACE)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS // 2]}\n{text[-MOST_CHARACTERS // 2 :]}"


def without_markers(text: str) -> str:
    """``text`` without the fences and role markers, which are defects of their own."""
    return _ROLE.sub("", _FENCE.sub("", text)).strip(WHITESPACE)


def has_fence(text: str) -> bool:
    """Whether a Markdown code fence stands in ``text``."""
    return "```" in text


def has_role_marker(text: str) -> bool:
    """Whether chat role words, or tokens of a chat template, stand in ``text``."""
    return _ROLE.search(text) is not None


def is_refusal(text: str) -> bool:
    """Whether ``text`` begins by declining in words."""
    return DECLINES.match(without_markers(without_middle(text))) is not None


def echoes(text: str, messages: Sequence[Message]) -> bool:
    """Whether ``text`` repeats a stretch of what was asked."""
    answered = " ".join(text[:MOST_CHARACTERS].split())
    for message in messages:
        question = " ".join(message.content[:MOST_CHARACTERS].split())
        size = min(ECHO, len(question))
        # A message of a word or two is no echo when it comes up again.
        if message.role == "assistant" or size < 10:
            continue
        stretches = {question[start : start + size] for start in range(len(question) - size + 1)}
        if any(answered[start : start + size] in stretches for start in range(len(answered) - size + 1)):
            return True
    return False
