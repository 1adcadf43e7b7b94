"""The schema that editors are given accepts every TOML file of this repository, and refuses a misspelt key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from evalkit.cli.main import main

ROOT = Path(__file__).parents[2]
TASKS = sorted((ROOT / "golden").glob("*/task.toml"))


def validator(which: str) -> Draft202012Validator:
    printed = json.loads(CliRunner().invoke(main, ["schema", which], catch_exceptions=False).stdout)
    Draft202012Validator.check_schema(printed)
    return Draft202012Validator(printed)


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", TASKS, ids=lambda path: path.parent.name)
def test_every_contract_of_the_repository_is_accepted(path: Path) -> None:
    assert [error.message for error in validator("task").iter_errors(read(path))] == []


def test_the_project_is_accepted() -> None:
    assert [error.message for error in validator("project").iter_errors(read(ROOT / "pyproject.toml"))] == []


def test_a_key_that_nobody_knows_is_refused() -> None:
    table = read(TASKS[0])
    assert not validator("task").is_valid({**table, "promt": {}})
    project = read(ROOT / "pyproject.toml")
    project["tool"]["evalkit"]["bakend"] = "x"
    assert not validator("project").is_valid(project)


@pytest.mark.parametrize("which", ["task", "project"])
def test_every_key_is_described(which: str) -> None:
    schema: Any = validator(which).schema
    tables = {"": schema, **schema["$defs"]}
    keys = [(name, key, entry) for name, table in tables.items() for key, entry in table.get("properties", {}).items()]
    undescribed = [f"{name}.{key}" for name, key, entry in keys if not entry.get("description")]
    assert [name for name in undescribed if name != ".tool"] == []
