"""Schemas as OpenAI takes them where they are strict: an object of fixed fields, all required, and few keywords.

Whatever else a schema says is left out, and told: an answer is held against all of it here. A root that is a choice
is sent as the one field of an object, which is taken off the answer again.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from evalkit.models.constraint.envelope import wrapped
from evalkit.models.constraint.held import ANNOTATIONS, Held, named, rewritten

_KEPT = {
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "anyOf",
    "$ref", "$defs", "description", "title", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf",
}  # fmt: skip
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null", list: "array",
          dict: "object"}  # fmt: skip


def hold(schema: Mapping[str, Any]) -> Held:
    """How OpenAI holds an answer to ``schema``."""
    left_out: list[str] = []
    obeyed = rewritten(schema, partial(_strict, left_out))
    if obeyed.get("type") == "object" and "anyOf" not in obeyed and "$ref" not in obeyed:
        return Held(obeyed, obeyed, tuple(left_out))
    left_out.append('a choice at the root, which is sent as the field "answer" of an object, and taken out of it')
    return Held(wrapped(obeyed), obeyed, tuple(left_out), enveloped=True)


def _strict(left_out: list[str], part: dict[str, Any], at: str) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key in _KEPT}
    if "oneOf" in part and "anyOf" not in part:
        kept["anyOf"] = part["oneOf"]
        left_out.append(f"{named('oneOf', at)}, which is sent as anyOf")
    elif "oneOf" in part:
        left_out.append(named("oneOf", at))
    left_out += [named(key, at) for key in part if key not in _KEPT and key not in ANNOTATIONS and key != "oneOf"]
    if "format" in kept and kept["format"] not in _FORMATS:
        left_out.append(named(f"format {kept.pop('format')}", at))
    values = kept.get("enum", [kept["const"]] if "const" in kept else [])
    if values and "type" not in kept:
        kinds = list(dict.fromkeys(_TYPES[type(value)] for value in values))
        kept["type"] = kinds[0] if len(kinds) == 1 else kinds
    if kept.get("type") == "object" or "properties" in kept:
        kept = _closed(left_out, kept, at)
    return kept


def _closed(left_out: list[str], part: dict[str, Any], at: str) -> dict[str, Any]:
    """An object of fixed fields, all of them required."""
    fields = part.get("properties", {})
    if optional := [name for name in fields if name not in part.get("required", ())]:
        left_out.append(f"{named('optional fields', at)}: {', '.join(optional)} must be there")
    if part.get("additionalProperties", True) is not False:
        left_out.append(f"{named('additionalProperties', at)}: there can be none")
    rest = {key: value for key, value in part.items() if key not in ("required", "additionalProperties")}
    return {"type": "object", **rest, "properties": fields, "required": list(fields), "additionalProperties": False}
