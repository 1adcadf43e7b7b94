"""evalkit: does your fine-tuned model really beat its base, field by field, and what did shipping it lose?

The names in ``__all__`` are the public surface: what tests, scripts and outside components can rely on. Everything else
may change without notice. A name is imported from its room at first use, so that ``import evalkit`` stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.errors import (
        BackendDied,
        ConfigError,
        EvalkitError,
        FrozenError,
        GoldenError,
        HarnessError,
        LooksError,
        MissingModel,
        NotAnswered,
        Problem,
        SetupError,
        StoreError,
        TooLong,
        Unasked,
        UnknownName,
        UnusableModel,
    )
    from evalkit.golden.hypotheses import Terms
    from evalkit.golden.lints.finding import Finding, Lint
    from evalkit.golden.loader import load_task
    from evalkit.golden.model import Example, Hypothesis, Task
    from evalkit.golden.relations.transform import TextTransform
    from evalkit.judging.answer import Answer
    from evalkit.judging.comparison import Comparison
    from evalkit.judging.gates import Evidence, HypothesisKind
    from evalkit.judging.reason import Outcome, Reason, Remark, Status
    from evalkit.judging.verdict import Verdict
    from evalkit.models.backend import Backend, Completion, Opening
    from evalkit.models.request import Request
    from evalkit.reports.page import Page
    from evalkit.reports.report import Report
    from evalkit.runs.record import Row, Run
    from evalkit.scorers.measurements.measurement import Measurement
    from evalkit.scorers.measurements.readings import Readings
    from evalkit.scorers.score import Composite, InputScorer, Judgement, Score, Scorer
    from evalkit.stats.intervals import Estimate

__distribution__ = "pytest-evalkit"
"""What ``pytest_evalkit`` knows this package by: others install a module of the same name."""

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Backend",
    "BackendDied",
    "Comparison",
    "Completion",
    "Composite",
    "ConfigError",
    "Estimate",
    "EvalkitError",
    "Evidence",
    "Example",
    "Finding",
    "FrozenError",
    "GoldenError",
    "HarnessError",
    "Hypothesis",
    "HypothesisKind",
    "InputScorer",
    "Judgement",
    "Lint",
    "LooksError",
    "Measurement",
    "MissingModel",
    "NotAnswered",
    "Opening",
    "Outcome",
    "Page",
    "Problem",
    "Readings",
    "Reason",
    "Remark",
    "Report",
    "Request",
    "Row",
    "Run",
    "Score",
    "Scorer",
    "SetupError",
    "Status",
    "StoreError",
    "Task",
    "Terms",
    "TextTransform",
    "TooLong",
    "Unasked",
    "UnknownName",
    "UnusableModel",
    "Verdict",
    "load_task",
]

_HOMES = {
    "evalkit.golden.lints.finding": ("Finding", "Lint"),
    "evalkit.golden.hypotheses": ("Terms",),
    "evalkit.golden.loader": ("load_task",),
    "evalkit.golden.model": ("Example", "Hypothesis", "Task"),
    "evalkit.golden.relations.transform": ("TextTransform",),
    "evalkit.judging.answer": ("Answer",),
    "evalkit.judging.comparison": ("Comparison",),
    "evalkit.judging.gates": ("Evidence", "HypothesisKind"),
    "evalkit.judging.reason": ("Outcome", "Reason", "Remark", "Status"),
    "evalkit.judging.verdict": ("Verdict",),
    "evalkit.models.backend": ("Backend", "Completion", "Opening"),
    "evalkit.models.request": ("Request",),
    "evalkit.reports.page": ("Page",),
    "evalkit.reports.report": ("Report",),
    "evalkit.runs.record": ("Row", "Run"),
    "evalkit.scorers.measurements.measurement": ("Measurement",),
    "evalkit.scorers.measurements.readings": ("Readings",),
    "evalkit.scorers.score": ("Composite", "InputScorer", "Judgement", "Score", "Scorer"),
    "evalkit.stats.intervals": ("Estimate",),
}
"""The module of every public name; a name that is not here is an error of ``evalkit.errors``."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = next((module for module, names in _HOMES.items() if name in names), "evalkit.errors")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
