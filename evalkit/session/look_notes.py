"""Notes whom this session judges on a test split for the first time: each makes the next one harder to believe."""

from __future__ import annotations

from evalkit.golden import looks
from evalkit.session.answers import SessionAnswers
from evalkit.session.tasks import GoldenTasks


def note_looks(answers: SessionAnswers, tasks: GoldenTasks) -> None:
    """Writes down every tested model that has answered all of a test split. Raises LooksError where it can't."""
    participants, store = answers.participants, answers.store
    for task_name, selected in answers.selection.items():
        task = tasks.task(task_name)
        judged = [example.id for example in task.splits["test"]]
        against = tuple(name for name in selected if name not in participants.backends(task))
        for name in participants.tested(task):
            if not set(judged) <= set(selected.get(name, ())):
                continue
            keys = {key for samples in answers.keys(task, name, judged).values() for key in samples}
            if store.stored(keys) == keys:
                record = looks.LookRecord(
                    looks.now(), looks.split_digest(task.splits["test"]), name,
                    participants.model(name, task).fingerprint, participants.candidate(task, name), against,
                    answers.identity,
                )  # fmt: skip
                looks.note(task.folder, record)
