"""Puts what was decided into words: reasons, comparisons, verdicts, lineages, recommendations, regressions, relations.

The one place where these become sentences. Nothing is decided here: every figure comes with the data. One file for
each thing that is worded.
"""

from __future__ import annotations

from evalkit.judging.wording.comparison_counts import comparisons_made
from evalkit.judging.wording.comparisons import comparison
from evalkit.judging.wording.lineages import explanation, lineage, missing_rung, setting, step_losses
from evalkit.judging.wording.notes import (
    breaches,
    joins,
    look_spent,
    looks_ahead,
    no_verdict,
    not_judged,
    not_obeyed,
    served_as,
    unchanged_adapter,
    unjudged_task,
    wholesale,
)
from evalkit.judging.wording.own_reasoning import own_reasoning
from evalkit.judging.wording.reasons import brief, reason, reasons, regression, verdict
from evalkit.judging.wording.recommendations import recommendation
from evalkit.judging.wording.relations import relation, relation_break
from evalkit.judging.wording.weak_spots import confusions, weaker_slices

__all__ = [
    "breaches",
    "brief",
    "comparison",
    "comparisons_made",
    "confusions",
    "explanation",
    "joins",
    "lineage",
    "look_spent",
    "looks_ahead",
    "missing_rung",
    "no_verdict",
    "not_judged",
    "not_obeyed",
    "own_reasoning",
    "reason",
    "reasons",
    "recommendation",
    "regression",
    "relation",
    "relation_break",
    "served_as",
    "setting",
    "step_losses",
    "unchanged_adapter",
    "unjudged_task",
    "verdict",
    "weaker_slices",
    "wholesale",
]
