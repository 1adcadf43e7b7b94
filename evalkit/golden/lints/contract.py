"""Fields of which the prompt and the schema do not say the same.

A prompt names a field as a key of JSON, in backticks or quotes, at the head of a bullet, in a list behind "fields" or
"keys", or as a word_with_underscores. A plain word in marks may be anything; it counts as a field where it stands in a
list in which fields of the schema stand too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.labels import enumerated
from evalkit.golden.lints.texts import strings
from evalkit.golden.model import Task
from evalkit.golden.references import fields_of

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_KEY = re.compile(rf'"({_NAME})"\s*:')
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MARKED = re.compile(rf"""(?<![\w.])(?:`({_NAME})`|\*\*({_NAME})\*\*|"({_NAME})"|'({_NAME})'|“({_NAME})”)(?![\w.]\w)""")
_JOINT = re.compile(r"[\s,;/&]*(?:(?:and|or|und|et|y)\b)?[\s,;/&]*|\s*\([^()]*\)[\s,;]*(?:and|or)?\s*")
_BULLET = re.compile(
    rf"^[ \t]*(?:[-*+•–]|\d+[.)])[ \t]+(?:[`\"'“]|\*\*)*({_NAME})(?:[`\"'”]|\*\*)*[ \t]*(?:[:(=–—]|-[ \t]|\*\*|$)"
)
_LISTED = re.compile(
    rf"\b(?:fields?|keys?|propert(?:y|ies)|attributes?)\b[^.\n{{}}]{{0,30}}?[:\s]\s*"
    rf"((?:{_NAME})(?:\s*(?:,\s*(?:and\s+|or\s+)?|\band\s+|\bor\s+)\s*{_NAME})+)"
)
_WORD = re.compile(r"(?<![\w./@:\\-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?![\w/@(\\-]|\.\w)")
_CAMEL = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]+)+\Z")
_STYLES = {"snake_case", "lower_case", "upper_case"}


def check(task: Task) -> Iterator[Finding]:
    where, in_schema = task.place("task.toml"), set(_fields(task.schema))
    prompt = f"{task.prompt.system}\n{task.prompt.user}"
    known = in_schema | _other_names(task)
    text = _TEMPLATE.sub(" ", prompt)
    asked = [name for name in _KEY.findall(prompt) if name not in known]
    asked += [name for names in _lists(text) for name in _strangers(names, in_schema, known)]
    for name in dict.fromkeys(asked):
        yield Finding(
            "error", where, f"the prompt asks for a field {name!r} that the schema does not have",
            f"The schema has {', '.join(sorted(in_schema))}: mend the one that is wrong.",
        )  # fmt: skip
    for name in dict.fromkeys(_WORD.findall(text)):
        if name not in {*known, *asked, *_STYLES}:
            yield Finding(
                "warning", where, f"the prompt names {name!r}, which is no field of the schema or of the input",
                f"The schema has {', '.join(sorted(in_schema))}: mend the one that is wrong.",
            )  # fmt: skip
    for name in sorted(fields_of(task.schema)):
        if not re.search(rf"\b{re.escape(name)}\b", prompt):
            yield Finding(
                "warning", where, f"the schema has a field {name!r} that the prompt does not name",
                "Who is not told of a field can't answer it.",
            )  # fmt: skip


def _lists(prompt: str) -> Iterator[Sequence[str]]:
    """Names that stand side by side in the prompt: marked ones, bullets of one list, what follows "fields"."""
    names: list[str] = []
    end = 0
    for match in _MARKED.finditer(prompt):
        if names and not _JOINT.fullmatch(prompt[end : match.start()]):
            yield names
            names = []
        names = [*names, next(filter(None, match.groups()))]
        end = match.end()
    yield names
    bullets: list[str] = []
    for line in [*prompt.split("\n"), "end of the last list"]:
        if bullet := _BULLET.match(line):
            bullets.append(bullet[1])
        elif line.strip() and not line.startswith((" ", "\t")):
            yield bullets
            bullets = []
    for match in _LISTED.finditer(prompt):
        yield [name for name in re.findall(_NAME, match[1]) if name not in ("and", "or")]


def _strangers(names: Sequence[str], in_schema: set[str], known: set[str]) -> Iterator[str]:
    """Those of ``names`` that are meant for fields and are none."""
    is_of_fields = 2 * sum(name in in_schema for name in names) >= len(names)
    for name in names:
        if name not in known and name not in _STYLES and (is_of_fields or "_" in name.strip("_") or _CAMEL.match(name)):
            yield name


def _other_names(task: Task) -> set[str]:
    """What a prompt may name that is no field: fields of the input, and values that the schema or the answers have."""
    examples = list(chain.from_iterable(task.splits.values()))
    inputs = {name for example in examples for name in example.input}
    values = {value for example in examples for value in strings(example.expected)}
    return inputs | values | set(enumerated(task.schema))


def _fields(schema: object) -> Iterator[str]:
    """The names of an answer's fields, and those of the objects inside it."""
    if isinstance(schema, Mapping):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _fields(part)
