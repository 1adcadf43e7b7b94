"""Fields of which the prompt and the schema do not say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from evalkit.golden.lints.finding import Finding
from evalkit.golden.model import Task
from evalkit.golden.references import fields_of

_NAMED = re.compile(r'"([A-Za-z_][A-Za-z0-9_]*)"\s*:')


def check(task: Task) -> Iterator[Finding]:
    where, in_schema = task.place("task.toml"), set(_fields(task.schema))
    prompt = f"{task.prompt.system}\n{task.prompt.user}"
    in_inputs = {name for split in task.splits.values() for example in split for name in example.input}
    for name in dict.fromkeys(_NAMED.findall(prompt)):
        if name not in in_schema | in_inputs:
            yield Finding(
                "error", where, f"the prompt asks for a field {name!r} that the schema does not have",
                f"The schema has {', '.join(sorted(in_schema))}: mend the one that is wrong.",
            )  # fmt: skip
    for name in sorted(fields_of(task.schema)):
        if not re.search(rf"\b{re.escape(name)}\b", prompt):
            yield Finding(
                "warning", where, f"the schema has a field {name!r} that the prompt does not name",
                "Who is not told of a field can't answer it.",
            )  # fmt: skip


def _fields(schema: object) -> Iterator[str]:
    """The names of an answer's fields, and those of the objects inside it."""
    if isinstance(schema, Mapping):
        yield from schema.get("properties", {})
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _fields(part)
