"""Makes the rows of a run: what each model answered to each example, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.golden.perturbations import Perturbed, perturbed_examples
from evalkit.judging.answer import Answer
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.record import Participation, Row, RowScore, Sample


def rows_of(asked_task: AskedTask) -> Iterator[Row]:
    """The rows of one task, model by model: of each example that a model was asked, answered or not."""
    changed = perturbed_examples(asked_task.task, asked_task.split)
    for part in asked_task.participations:
        for example in {**part.keys, **part.again}:
            yield _row(asked_task, part, example, changed.get(example))


def _row(asked_task: AskedTask, part: Participation, name: str, perturbed: Perturbed | None) -> Row:
    keys, again = part.keys.get(name, ()), part.again.get(name, ())
    earlier = {key: part.earlier[key] for key in (*keys, *again) if key in part.earlier}
    example = asked_task.book.examples.get(name)
    if example is None:  # a run that is scored again may know examples that are gone
        return Row(
            asked_task.task.name, part.name, name, keys, unanswered="it is not in the task any more", again=again,
            earlier=earlier,
        )  # fmt: skip
    answer = asked_task.book.answer(part.name, name, keys) if keys else None
    return Row(
        task=asked_task.task.name,
        model=part.name,
        example=name,
        keys=keys,
        split=example.split,
        group=example.group,
        tags=example.tags,
        must_pass=example.must_pass,
        input=example.input,
        expected=example.expected,
        samples=tuple(map(_sample, answer.each)) if answer is not None else (),
        scores=_scores(answer) if answer is not None and perturbed is None else {},
        unanswered="" if answer is not None else asked_task.why_unanswered(part, name),
        again=again,
        of=perturbed.of.id if perturbed is not None else "",
        earlier=earlier,
    )


def _scores(answer: Answer) -> dict[str, RowScore]:
    return {score.name: RowScore(score.value, score.why) for score in answer.scores.values()}


def _sample(answer: Answer) -> Sample:
    spent = answer.spent
    return Sample(
        text=answer.text,
        value=answer.value,
        defects=answer.defects,
        finish_reason=answer.completion.finish_reason,
        thinking=answer.output.thinking,
        prompt_tokens=spent.prompt_tokens,
        completion_tokens=spent.completion_tokens,
        seconds=spent.seconds,
        usage=spent.usage,
        earlier=tuple(attempt.text for attempt in answer.earlier),
    )
