"""An object around an answer, for vendors that hold only an object of fixed fields and no choice of several."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

KEY = "answer"
_OPENS = re.compile(rf'\s*\{{\s*"{KEY}"\s*:\s*')
_CLOSES = re.compile(r"\s*\}\s*\Z")


def wrapped(schema: Mapping[str, Any]) -> dict[str, Any]:
    """``schema`` as the one field of an object. Its definitions stay at the root, where references look for them."""
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    definitions = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    return {
        "type": "object",
        "properties": {KEY: inner},
        "required": [KEY],
        "additionalProperties": False,
        **definitions,
    }


def unwrapped(text: str) -> str:
    """The text of the answer inside the object, as it was written; ``text`` itself where it is no such object.

    >>> unwrapped('{"answer": {"team": "ops",  "size": 1.0}}'), unwrapped('{"answer": {"team": "op')
    ('{"team": "ops",  "size": 1.0}', '{"answer": {"team": "op')
    """
    if (opens := _OPENS.match(text)) is None:
        return text
    try:
        _, end = json.JSONDecoder().raw_decode(text, opens.end())
    except (ValueError, RecursionError):
        return text
    return text[opens.end() : end] if _CLOSES.match(text, end) else text
