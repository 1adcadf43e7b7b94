"""The options: ``--evalkit-...`` everywhere, and their short forms only in a project that has ``[tool.evalkit]``."""

from __future__ import annotations

import re
from argparse import ArgumentError
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pytest

DEFAULT_BASELINE = "main"
"""What ``--save-baseline`` saves where no name is given."""

_PREFIX = "evalkit_"

_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "backend": {
        "action": "append", "default": [], "metavar": "ALIAS",
        "help": "model to test: an alias of [tool.evalkit.backends] or a spec such as gguf:model.gguf; repeatable",
    },
    "against": {
        "action": "append", "default": [], "metavar": "ALIAS",
        "help": "model to compare with, not tested itself; repeatable",
    },
    "split": {
        "choices": ("test", "dev"), "default": "test", "help": "split that is judged (default: test)",
    },
    "samples": {
        "type": int, "default": 1, "metavar": "K",
        "help": "ask each example K times and average inside it, where the task's temperature is above 0 (default: 1)",
    },
    "lineage": {
        "metavar": "NAME",
        "help": "follow the examples through the rungs of [tool.evalkit.lineage.NAME]; tests the last or the named one",
    },
    "max-cost": {
        "type": float, "metavar": "USD",
        "help": "ask no paid API what might cost more than this in all; what stays unasked is told, and does not ship",
    },
    "latency": {
        "type": int, "nargs": "?", "const": 30, "default": 0, "metavar": "N",
        "help": "also ask each model N examples one by one, to see how long an answer takes (default: 30)",
    },
    "sequential": {
        "action": "store_true",
        "help": "stop asking a model that is only compared with as soon as every comparison with it is settled",
    },
    "format": {
        "metavar": "REPORT", "default": "terminal",
        "help": "the report at the end: terminal, markdown, json, jsonl, csv, or one of another package",
    },
    "slice": {
        "action": "append", "default": [], "metavar": "TAG",
        "help": "run only the examples with that tag, which is a part of the split and has no verdict; repeatable",
    },
    "slices": {
        "action": "store_true",
        "help": "in the terminal show every score by tag, and what every field of classes is taken for; so does -v",
    },
    "strict-examples": {"action": "store_true", "help": "make every missed example a failure"},
    "last-missed": {"action": "store_true", "help": "run only the examples that were missed last time"},
    "baseline": {"metavar": "NAME", "help": "compare the one backend with golden/baselines/TASK/NAME.json"},
    "strict-baseline": {"action": "store_true", "help": "with a baseline: every single loss is red"},
    "save-baseline": {
        "nargs": "?", "const": DEFAULT_BASELINE, "metavar": "NAME",
        "help": f"save the scores of the one backend as that baseline (default of NAME: {DEFAULT_BASELINE})",
    },
}  # fmt: skip


SHORT_OPTIONS = tuple(f"--{name}" for name in _OPTIONS)
"""The short forms of all options."""

_SHORT = re.compile(rf"(?<![\w-])--({'|'.join(_OPTIONS)})(?![\w-])")


@dataclass(frozen=True, slots=True)
class Options:
    """What was given on the command line, in either form."""

    backend: Sequence[str]
    against: Sequence[str]
    split: str
    samples: int
    lineage: str | None
    max_cost: float | None
    latency: int
    sequential: bool
    format: str
    slice: Sequence[str]
    slices: bool
    strict_examples: bool
    last_missed: bool
    baseline: str | None
    strict_baseline: bool
    save_baseline: str | None

    @property
    def names_a_model(self) -> bool:
        """Whether a model was named that is to be asked."""
        return bool(self.backend or self.against or self.lineage)

    @property
    def concerns_baselines(self) -> bool:
        """Whether something is to be done about baselines."""
        return (self.baseline, self.save_baseline) != (None, None) or self.strict_baseline


def read_options(config: pytest.Config) -> Options:
    """The options of this session, parsed."""
    return Options(**{field.name: getattr(config.option, _PREFIX + field.name) for field in fields(Options)})


def add_options(parser: pytest.Parser) -> None:
    """Adds every option as ``--evalkit-...``, which is nobody else's."""
    group = _group(parser)
    for name, settings in _OPTIONS.items():
        group.addoption(f"--evalkit-{name}", dest=_dest(name), **settings)


def add_short_options(parser: pytest.Parser) -> list[str]:
    """Adds the short form of each option, and gives those that are someone else's already: they are left to them."""
    group, used, taken = _group(parser), _used(parser), []
    for name, settings in _OPTIONS.items():
        short = f"--{name}"
        if short in used:
            taken.append(short)
            continue
        try:
            group.addoption(short, dest=_dest(name), **{**settings, "help": f"short for --evalkit-{name}"})
        except (ValueError, ArgumentError):
            taken.append(short)
    return taken


def describe_taken(taken: Sequence[str]) -> str:
    """Which short forms belong to someone else here, and what to write in their place."""
    instead = ", ".join(f"--evalkit-{option.removeprefix('--')}" for option in taken)
    belong = "is an option" if len(taken) == 1 else "are options"
    return f"evalkit: {', '.join(taken)} {belong} of this project's own conftest or of another plugin; write {instead}"


def spell(message: str, missing: Collection[str]) -> str:
    """``message`` with the long form of every option in it whose short one is ``missing``: what it says must work.

    >>> spell("give --backend=ALIAS; ask on --split=dev", ["--backend"])
    'give --evalkit-backend=ALIAS; ask on --split=dev'
    """

    def longer(match: re.Match[str]) -> str:
        return f"--evalkit-{match[1]}" if match[0] in missing else match[0]

    return _SHORT.sub(longer, message)


def check_spelling(config: pytest.Config, options: Options) -> None:
    """Raises UsageError where ``--save-baseline`` took the argument after it, a folder as a rule, for its name."""
    for written in ("--save-baseline", "--evalkit-save-baseline"):
        if written in config.invocation_params.args and options.save_baseline not in (None, DEFAULT_BASELINE):
            raise pytest.UsageError(
                f"{written} took {options.save_baseline!r} for its name: write {written}=NAME, or put it last"
            )


def check_report(options: Options) -> None:
    """Raises SetupError where ``--format`` names no report."""
    from evalkit._internal.registry import find

    find("reports", options.format)


def _group(parser: pytest.Parser) -> pytest.OptionGroup:
    return parser.getgroup("evalkit", "evaluation of fine-tuned models")


def _dest(name: str) -> str:
    return _PREFIX + name.replace("-", "_")


def _used(parser: pytest.Parser) -> set[str]:
    """The options that are there: pytest says of none whether it is there before it is parsed."""
    groups = {id(group): group for group in (parser._anonymous, *parser._groups)}
    return {name for group in groups.values() for option in group.options for name in option.names()}
