"""The command that prints the JSON Schema of our TOML files, for editors that complete and check by one."""

from __future__ import annotations

import json
from typing import Any

import click

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@click.command()
@click.argument("which", type=click.Choice(["task", "project"]))
def schema(which: str) -> None:
    """Print the JSON Schema of task.toml ("task") or of pyproject.toml with [tool.evalkit] in it ("project").

    An editor takes it from a first line such as `#:schema ../task.schema.json` (Even Better TOML, taplo).
    """
    click.echo(json.dumps(schema_of(which), indent=2))


def schema_of(which: str) -> dict[str, Any]:
    """The schema of task.toml, or of pyproject.toml, of which nothing but [tool.evalkit] is said."""
    if which == "task":
        from evalkit.golden.contract import Contract

        return {"$schema": DIALECT, **Contract.model_json_schema()}
    from evalkit.models.project_file import ProjectTable

    table = ProjectTable.model_json_schema()
    definitions = table.pop("$defs", {})
    tool = {"type": "object", "properties": {"evalkit": table}}
    return {"$schema": DIALECT, "type": "object", "properties": {"tool": tool}, "$defs": definitions}
