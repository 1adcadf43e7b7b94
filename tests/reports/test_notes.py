"""What a reader must know of how a model was asked is told: answers that waver, an adapter's own chat template."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalkit.reports.notes import notes

if TYPE_CHECKING:
    from conftest import MiniProject


@pytest.mark.parametrize("wavers", [True, False])
def test_whose_answers_depend_on_their_batch_is_named(project: MiniProject, wavers: bool) -> None:
    project.answers("tuned", project.right())
    judged = project.asked(("tuned",)).judged("mood")
    [tuned] = [run for run in judged.model_runs if run.name == "tuned"]
    asked = replace(tuned, participant=replace(tuned.participant, wavers=wavers))
    told = [line for line in notes(replace(judged, model_runs=(asked,))) if "reproducible = false" in line]
    assert [line.split(":")[0] for line in told] == ["tuned"] * wavers


def test_what_an_adapters_folder_has_of_its_own_is_told(project: MiniProject) -> None:
    project.answers("tuned", project.right())
    judged = project.asked(("tuned",)).judged("mood")
    [tuned] = [run for run in judged.model_runs if run.name == "tuned"]
    for own, count in (((), 0), (("chat template",), 1)):
        asked = replace(tuned, participant=replace(tuned.participant, adapter_own=own))
        told = [line for line in notes(replace(judged, model_runs=(asked,))) if "its own chat template" in line]
        assert [line.split(":")[0] for line in told] == ["tuned"] * count
