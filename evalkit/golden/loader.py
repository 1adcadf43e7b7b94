"""Reads a golden folder into a Task, and finds everything that is wrong with it in one reading."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from evalkit._internal.files import text_digest
from evalkit._internal.strict_json import JsonError, parse_json, read_text
from evalkit._internal.validation import Source, validate_table
from evalkit.errors import GoldenError, Problem
from evalkit.golden import freeze as frozen
from evalkit.golden.checks import Checker, Rules, Splits
from evalkit.golden.contract import SLICES, Contract
from evalkit.golden.examples import ExampleReader, place
from evalkit.golden.looks import PLANNED, Look
from evalkit.golden.model import Task
from evalkit.golden.schema import Schema, compiled

CONTRACT, SCHEMA = "task.toml", "schema.json"


def find_tasks(golden: Path) -> dict[str, Path]:
    """The task folders under ``golden``, by name: those that hold a task.toml."""
    return {path.parent.name: path.parent for path in sorted(golden.glob(f"*/{CONTRACT}"))}


def load_task(folder: Path, *, verify: bool = True) -> Task:
    """Reads and checks a golden folder, and imports only the components that its contract names.

    Raises GoldenError with *all* problems found, each with file, line and field; FrozenError (only with
    ``verify``) when a split is not what was frozen.
    """
    problems: list[Problem] = []
    source, table = Source(place(folder, CONTRACT)), _read_contract(folder, problems)
    contract, mistakes = validate_table(Contract, table or {}, source)
    problems.extend(mistakes if table is not None else ())
    schema = _read_schema(folder, problems)
    if table is None or schema is None:
        raise GoldenError(problems)
    examples = ExampleReader(folder, schema, contract.input)
    splits = examples.splits()
    planned = frozen.planned(folder) or contract.looks.planned or PLANNED
    checker = Checker(contract, _keys(table, "scores"), splits, source, Look(1, planned).alpha)
    rules = checker.rules()
    problems.extend((*examples.problems, *checker.problems))
    if problems:
        raise GoldenError(problems)
    if verify:
        frozen.verify(folder, splits)
    return _task(folder, contract, schema, rules, splits)


def _task(folder: Path, contract: Contract, schema: Schema, rules: Rules, splits: Splits) -> Task:
    files = [CONTRACT, SCHEMA, *(f"{split}.jsonl" for split in splits)]
    return Task(
        name=folder.name,
        folder=folder,
        title=contract.title or folder.name,
        prompt=contract.message_templates(),
        decoding=contract.decoding.decoding(),
        schema=schema.source,
        scores=rules.scores,
        measurements=rules.measurements,
        primary=contract.primary.score,
        thresholds=contract.least_rates(),
        slice_thresholds=contract.least_rates_of_slices().get(SLICES, {}),
        hypotheses=rules.hypotheses,
        splits=splits,
        checksum=text_digest("".join(read_text(folder / name) for name in files)),
        waivers=tuple(table.waiver() for table in contract.waivers),
        relations=rules.relations,
        planned_looks=contract.looks.planned,
        time=contract.input.time,
    )


def _read_contract(folder: Path, problems: list[Problem]) -> dict[str, Any] | None:
    where = place(folder, CONTRACT)
    try:
        return tomllib.loads(read_text(folder / CONTRACT))
    except FileNotFoundError:
        problems.append(Problem(where, "there is no such file: every golden folder needs its contract"))
    except JsonError as error:
        problems.append(Problem(place(folder, CONTRACT, error.line), str(error)))
    except tomllib.TOMLDecodeError as error:
        problems.append(Problem(where, f"not valid TOML: {error}"))
    return None


def _read_schema(folder: Path, problems: list[Problem]) -> Schema | None:
    where = place(folder, SCHEMA)
    try:
        return compiled(parse_json(read_text(folder / SCHEMA)))
    except FileNotFoundError:
        problems.append(Problem(where, "there is no such file: it says what JSON object the model must return"))
    except JsonError as error:
        problems.append(Problem(place(folder, SCHEMA, error.line), str(error)))
    except ValueError as error:
        problems.append(Problem(where, f"not a valid JSON Schema: {error}"))
    return None


def _keys(table: dict[str, Any], section: str) -> list[str]:
    value = table.get(section)
    return list(value) if isinstance(value, dict) else []
