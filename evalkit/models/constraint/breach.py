"""Whether an answer shows that its model was not held to the schema that it was asked with."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from evalkit._internal.strict_json import brief
from evalkit.golden.schema import compiled
from evalkit.models.backend import Completion
from evalkit.models.reasoning import opened_by_prompt, split_reasoning
from evalkit.models.refusal import DECLINES

_TELLS_NOTHING = ("length", "refusal", "tool_call", "recorded")
"""How answers end that a constraint says nothing of: cut off, declined, another form, or nobody knows."""


def breach(completion: Completion, obeyed: Mapping[str, Any], reasoning: Sequence[str] = ()) -> str | None:
    """How ``completion`` breaks the schema that it was held to, in one line; None where it does not.

    ``obeyed`` is that of ``Held``, ``reasoning`` the marks that the alias names. An answer that was cut off, or that
    declines, shows nothing; nor does one that came as reasoning. A fence, or a word beside the object, breaks it.

    >>> from evalkit.models.backend import Completion
    >>> breach(Completion('Sure! {"a": 1}', "stop"), {"type": "object"})
    'no JSON object alone: \\'Sure! {"a": 1}\\''
    >>> breach(Completion('{"a": ', "length"), {"type": "object"}) is None
    True
    """
    if completion.finish_reason in _TELLS_NOTHING:
        return None
    apart = completion.thinking is not None
    opened = None if apart else opened_by_prompt(completion.rendered, "", reasoning)
    split = split_reasoning((opened.opens if opened is not None else "") + completion.text, reasoning)
    answer = split.answer.strip()
    thought = split.thinking is not None or bool(completion.thinking)
    if not split.closed or (thought and not answer) or DECLINES.match(answer):
        return None
    try:
        value = json.loads(answer, parse_constant=_refuse)
    except RecursionError:
        return None
    except ValueError:
        return f"no JSON object alone: {brief.repr(answer)}"
    return compiled(obeyed).violation(value)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
