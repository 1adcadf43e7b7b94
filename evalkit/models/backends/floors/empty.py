"""The emptiest floor: the least object that the schema accepts and that is no error object.

Numbers are as near to 0 as the schema allows, texts and lists as short, enums take their first value,
optional fields are left out. A field that scores well here scores for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.errors import MissingModel
from evalkit.golden.schema import compiled
from evalkit.models.backend import Backend, Opening
from evalkit.models.backends.floors.constant import Constant


def open_backend(opening: Opening) -> Backend:
    """The constant emptiest object. Raises MissingModel where the schema is beyond this floor's reading."""
    schema = opening.task.schema
    branches = (schema.get("oneOf") or schema.get("anyOf") or [schema]) if isinstance(schema, dict) else ()
    for branch in branches:
        if not isinstance(branch, dict) or "error" in branch.get("required", ()):
            continue
        value = least(branch)
        if compiled(schema).violation(value) is None:
            return Constant(value)
    raise MissingModel(f"{opening.spec}: can't think of an empty object for {opening.task.folder / 'schema.json'}")


def least(schema: Mapping[str, Any]) -> Any:
    """The least value that a plain schema accepts (no references, no patterns).

    >>> least({"type": "object", "required": ["a"], "properties": {"a": {"type": "number", "minimum": 2}, "b": {}}})
    {'a': 2}
    """
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return least(schema[key][0])
    kind = schema.get("type")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: least(properties.get(name, {})) for name in schema.get("required", ())}
        case "array":
            return [least(schema.get("items", {}))] * schema.get("minItems", 0)
        case "string":
            return "-" * schema.get("minLength", 0)
        case "number" | "integer":
            return max(schema.get("minimum", min(0, schema.get("maximum", 0))), min(0, schema.get("maximum", 0)))
        case "boolean":
            return False
        case _:
            return None
