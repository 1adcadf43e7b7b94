"""Schemas as Anthropic's API takes them: what its SDK's own transformer makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import ConfigError
from evalkit.models.constraint.held import ANNOTATIONS, Held, named, parts_of, rewritten

_UNTOLD = (*ANNOTATIONS, "type", "title", "description", "required")
_NO_SCHEMA = ("$schema", "$id", "$comment", "examples", "default")
"""The transformer would spell these into the description that the model reads."""


def hold(schema: Mapping[str, Any]) -> Held:
    """How Anthropic holds an answer to ``schema``. Raises ConfigError where its SDK can't say it."""
    from anthropic import transform_schema

    plain = rewritten(schema, lambda part, _: _plain(part))
    left_out: list[str] = []
    try:
        for at, part in parts_of(plain):
            left_out += _left_out(part, transform_schema(dict(part)), at)
        sent = transform_schema(plain)
    except (ValueError, AssertionError, AttributeError, TypeError) as error:
        raise ConfigError(f"Anthropic's SDK can't send this schema: {error}") from error
    return Held(sent, sent, tuple(left_out))


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    """``part`` with one type in each branch: the transformer knows no lists of types."""
    part = {key: value for key, value in part.items() if key not in _NO_SCHEMA}
    if isinstance(part.get("type"), list) and "enum" not in part and "const" not in part:
        rest = {key: value for key, value in part.items() if key != "type"}
        return {"anyOf": [{"type": kind, **rest} for kind in part["type"]]}
    if "properties" in part and "type" not in part:
        return {"type": "object", **part}
    return part


def _left_out(part: Mapping[str, Any], sent: Mapping[str, Any], at: str) -> list[str]:
    """What of ``part`` is not in what is ``sent`` of it, its inner parts aside."""
    keys = [key for key in part if key not in sent and key not in _UNTOLD and not (key == "oneOf" and "anyOf" in sent)]
    told = [named(key, at) for key in keys]
    if "oneOf" in part and "anyOf" in sent:
        told.append(f"{named('oneOf', at)}, which is sent as anyOf")
    if sent.get("type") == "object" and part.get("additionalProperties", True) is not False:
        told.append(f"{named('additionalProperties', at)}: there can be none")
    return told
