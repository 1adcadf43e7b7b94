"""Schemas for llguidance, the library that holds answers to them in `gguf:` (inside llama.cpp) and in `hf:`.

What it holds is written in one spelling, that of Python's ``json.dumps``, with an end to every number. What it can't
hold is refused with the name of the keyword and its place, before anything is asked; only ``uniqueItems`` is left out,
and told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from evalkit.errors import BackendDied, ConfigError, MissingModel
from evalkit.models.constraint.held import Held, named, parts_of, rewritten
from evalkit.models.reasoning import opened_by_prompt
from evalkit.models.request import Request

_SPELLING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_COERCED = {**_SPELLING, "coerce_one_of": True}
_LEFT_OUT = ("uniqueItems",)
_UNKNOWN = re.compile(r"Unimplemented keys: (\[.*\])")


def hold(schema: Mapping[str, Any]) -> Held:
    """How llguidance holds an answer to ``schema``. Raises ConfigError, with the keywords, where it can't, and
    MissingModel without the package."""
    if find_spec("llguidance") is None:
        raise MissingModel(
            "llguidance, which holds answers to a schema, is not here: pip install 'pytest-evalkit[hf]' or [gguf]"
        )
    return _held(json.dumps(schema))


@lru_cache(maxsize=64)
def _held(text: str) -> Held:
    schema = json.loads(text)
    left_out: list[str] = []

    def leave_out(part: dict[str, Any], at: str) -> dict[str, Any]:
        left_out.extend(named(key, at) for key in _LEFT_OUT if part.get(key))
        return {key: value for key, value in part.items() if key not in _LEFT_OUT}

    sent = rewritten(schema, leave_out)
    if beyond := dict.fromkeys(_beyond(sent)):
        raise ConfigError(f"llguidance can't hold an answer to {'; '.join(beyond)}: write the schema without that")
    coerced = [
        at for at, part in parts_of(sent) if "oneOf" in part and _trouble(_alone(sent, part, "oneOf"), _SPELLING)
    ]
    left_out += [f"{named('oneOf', at)}, which is held as anyOf" for at in coerced]
    return Held(sent, rewritten(sent, lambda part, at: _any_of(part) if at in coerced else part), tuple(left_out))


def _any_of(part: dict[str, Any]) -> dict[str, Any]:
    both = {"allOf": [{"anyOf": part["anyOf"]}]} if "anyOf" in part else {}
    return {"anyOf" if key == "oneOf" else key: value for key, value in part.items() if key != "anyOf"} | both


def _beyond(schema: Mapping[str, Any]) -> Iterator[str]:
    """What llguidance can't hold of ``schema``, by keyword and place, the innermost parts alone."""
    if not (trouble := _trouble(schema)):
        return
    wrong = [(at, part) for at, part in parts_of(schema) if _trouble(_with_definitions(schema, part))]
    for at, part in wrong:
        if any(other != at and other.startswith(at) for other, _ in wrong):
            continue
        reason = _trouble(_with_definitions(schema, part))
        if unknown := _UNKNOWN.search(reason):
            keys = json.loads(unknown[1])
        else:
            to_blame = sorted(part, key=lambda key: key == "type")  # it says least
            keys = [key for key in to_blame if not _trouble(_with_definitions(schema, _without(part, key)))][:1]
        yield from (named(f"{key} {json.dumps(part[key])[:60]}", at) for key in keys if key in part)
        if not keys:
            yield f"{named('the part', at)} ({reason.splitlines()[0]})"
    if not wrong:
        yield f"the schema ({trouble.splitlines()[0]})"


def _with_definitions(schema: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    return {**{key: schema[key] for key in ("$defs", "definitions") if key in schema and schema is not part}, **part}


def _alone(schema: Mapping[str, Any], part: Mapping[str, Any], key: str) -> dict[str, Any]:
    return _with_definitions(schema, {key: part[key]})


def _without(part: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != key}


def _trouble(schema: Mapping[str, Any], spelling: Mapping[str, Any] = _COERCED) -> str:
    """Why llguidance takes no such schema; empty where it does."""
    from llguidance import LLMatcher

    failed, messages = LLMatcher.validate_grammar_with_warnings(_grammar(schema, spelling))
    return " ".join(messages) or "it says no more" if failed else ""


def _grammar(schema: Mapping[str, Any], spelling: Mapping[str, Any]) -> str:
    from llguidance import LLMatcher

    return str(LLMatcher.grammar_from_json_schema(json.dumps(short_numbers(schema)), overrides=dict(spelling)))  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _grammar_of(text: str) -> str:
    return _grammar(json.loads(text), _COERCED)


def grammar(schema: Mapping[str, Any]) -> str:
    """``schema``, that of a ``Held``, as a grammar of llguidance."""
    return _grammar_of(json.dumps(schema))


def for_llama_cpp(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """``schema``, that of a ``Held``, with the spelling in it: llama.cpp hands it to llguidance so."""
    return {**short_numbers(schema), "x-guidance": _COERCED}


def short_numbers(schema: Any) -> Any:
    """``schema`` with an end to every number that has none: nine digits, and three decimals.

    >>> short_numbers({"properties": {"a": {"type": "integer", "minimum": 0}}})
    {'properties': {'a': {'minimum': 0, 'maximum': 999999999, 'type': 'integer'}}}
    """
    return rewritten(schema, _short)


def _short(part: dict[str, Any], _at: str) -> dict[str, Any]:
    kind = part.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "number" not in kinds and "integer" not in kinds:
        return part
    step = {"multipleOf": 0.001} if "number" in kinds else {}
    return {"minimum": -999_999_999, "maximum": 999_999_999, **step, **part}


def check_no_reasoning(request: Request, rendered: str) -> None:
    """Raises BackendDied where the chat template opens the reasoning of an answer that is to be an object alone."""
    if request.schema is not None and opened_by_prompt(rendered, "", request.reasoning) is not None:
        raise BackendDied(
            f"{request.task}: the chat template opens the reasoning, so that a constrained answer would be written "
            f"into it: set thinking = false for this alias, or take `constrained` away"
        )
