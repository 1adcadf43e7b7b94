"""What changed the answers between two rungs: the prompt, the sampler, noise, or weights and their arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.golden.model import Decoding, Example, Hypothesis, Prompt, Task
from evalkit.judging.answer import Answer
from evalkit.judging.lineage import Lineage, follow
from evalkit.judging.lineage_steps import LineageTerms, Rung
from evalkit.judging.output import Output
from evalkit.judging.wording import explanation, step_losses
from evalkit.models.backend import Completion, digest_of_ids
from evalkit.models.request import Message, Request
from evalkit.scorers.score import Score

EXAMPLES = tuple(Example(f"e{n:02}", "test", {}, {"team": "a"}, group=f"e{n:02}") for n in range(40))
TASK = Task("t", Path(), "T", Prompt("", ""), Decoding(), {}, {}, {}, "team", {}, (), {"test": EXAMPLES}, "")
TERMS = LineageTerms(TASK, "test", 0.05)


def answer(example: Example, right: bool, prompt: str = "Team?", tokens: tuple[int, ...] | None = (1, 2)) -> Answer:
    completion = Completion("right" if right else "wrong", "stop", prompt, 2, 1)
    if tokens is not None:
        completion = replace(completion, prompt_digest=digest_of_ids(tokens))
    request = Request("t", example.id, (Message("user", prompt),), "", Decoding())
    output = Output({"team": "a"}, True, (), None, completion.text, "")
    return Answer("m", example, request, completion, output, {"team": Score("team", float(right), "", "")})


def answers(right: int, **given: object) -> dict[str, Answer]:
    """Right on all examples from the number ``right`` on."""
    return {one.id: answer(one, n >= right, **given) for n, one in enumerate(EXAMPLES)}  # type: ignore[arg-type]


def followed(
    before: Mapping[str, Answer], after: Mapping[str, Answer], again: Mapping[str, Mapping[str, Answer]] | None = None
) -> Lineage:
    noise = again or {}
    rungs = [Rung("f16", None, {}, noise.get("f16", {})), Rung("q4", "f16", {}, noise.get("q4", {}))]
    return follow("line", rungs, {"f16": before, "q4": after}, TERMS)


def test_a_loss_with_the_same_prompts_is_one_of_weights_or_arithmetic() -> None:
    [step] = followed(answers(0), answers(20)).steps
    assert step.cause == "weights"
    assert (
        explanation(step.why)
        == "same prompts, token by token, same decoding, 20 of 40 answers changed: weights or their arithmetic"
    )
    assert next(step_losses(step)).endswith("; 20 worse, 0 better; p < 0.0001)")


def test_other_token_ids_of_the_same_text_are_named_as_a_template() -> None:
    [step] = followed(answers(0), answers(20, tokens=(1, 3))).steps
    assert (step.cause, explanation(step.why)) == (
        "template",
        "the same prompt is other token ids on 40 of 40 examples",
    )
    assert next(step_losses(step)).endswith(
        "Not quantization or merging: the same prompt is other token ids on 40 of 40 examples"
    )


def test_token_ids_that_nobody_tells_are_not_claimed_to_be_the_same() -> None:
    [step] = followed(answers(0), answers(20, tokens=None)).steps
    assert explanation(step.why).startswith(
        "same prompts (the token ids of 40 are not known), same decoding, 20 of 40 "
    )


def test_one_other_prompt_does_not_explain_the_losses_on_all_the_others() -> None:
    after = answers(20) | {"e03": answer(EXAMPLES[3], False, prompt="Team? ")}
    [step] = followed(answers(0), after).steps
    assert step.cause == "template"
    assert "Not quantization" not in next(step_losses(step))
    assert next(step_losses(step)).endswith("'Team?' became 'Team? '; 19 of the 20 lost examples had the same prompt")


@pytest.mark.parametrize("wavering", ["f16", "q4"])
def test_no_more_change_than_either_rung_has_by_itself_is_noise(wavering: str) -> None:
    sides = {"f16": answers(0), "q4": answers(10)}
    again = {name: dict(list(side.items())[:20]) for name, side in sides.items()}
    again[wavering] = {name: answer(one.example, n % 2 == 0) for n, (name, one) in enumerate(again[wavering].items())}
    lineage = followed(sides["f16"], sides["q4"], again)
    assert lineage.steps[0].cause == "noise", explanation(lineage.steps[0].why)
    assert (lineage.noise[wavering].n, lineage.noise[wavering].same_text) == (20, 10)
    assert f"10 of 20 change when {wavering} is asked again" in explanation(lineage.steps[0].why)


def test_each_hypothesis_about_a_step_is_judged() -> None:
    loose = Hypothesis("no_loss", None, ("parent",), "team", margin=0.9)
    task = replace(TASK, hypotheses=(loose, replace(loose, candidate="q4", margin=0.2)))
    rungs = [Rung("f16", None, {}, {}), Rung("q4", "f16", {}, {})]
    found = follow("line", rungs, {"f16": answers(0), "q4": answers(20)}, replace(TERMS, task=task))
    assert [one.status for one in found.steps[0].comparisons] == ["SHIP", "BLOCK"]
    assert found.status == "BLOCK"


@pytest.mark.parametrize(
    ("before", "after", "recorded"), [(None, None, ("f16", "q4")), ({}, None, ("q4",)), (None, {"top_k": 1}, ("f16",))]
)
def test_of_recorded_answers_no_decoding_is_claimed_to_be_the_same(
    before: Mapping[str, int] | None, after: Mapping[str, int] | None, recorded: tuple[str, ...]
) -> None:
    rungs = [Rung("f16", None, before, {}), Rung("q4", "f16", after, {})]
    [step] = follow("line", rungs, {"f16": answers(0), "q4": answers(20)}, TERMS).steps
    assert (step.cause, step.why.recorded, step.why.settings) == ("weights", recorded, ())
