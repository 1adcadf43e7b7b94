"""What this session finds of each task: judged once, from the book of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from evalkit.errors import EvalkitError, HarnessError, describe_error
from evalkit.golden.model import Task
from evalkit.judging import wording
from evalkit.judging.comparison import Comparison
from evalkit.judging.early_stopping import settled
from evalkit.judging.notes import LooksAhead, UnchangedAdapter
from evalkit.judging.verdict import Verdict
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.build import comparisons_with, judge_task, unchanged_adapters, unjudged_task
from evalkit.runs.looks_taken import LookTaker
from evalkit.runs.record import Participation, Row, TaskResult
from evalkit.runs.rows import rows_of
from evalkit.session.answers import SessionAnswers
from evalkit.session.options import SessionOptions
from evalkit.session.records import ParticipantRecords


class TaskResults:
    """The results of one session, by task. What was judged once is not judged again."""

    def __init__(self, answers: SessionAnswers, records: ParticipantRecords, options: SessionOptions) -> None:
        self._answers = answers
        self._records = records
        self._options = options
        self._looks = LookTaker(answers.participants.config.store, answers.identity)
        self._margin = answers.participants.config.baseline_margin
        self._results: dict[str, TaskResult] = {}
        self._asked: dict[str, AskedTask] = {}
        self._unchanged: dict[str, tuple[UnchangedAdapter, ...]] = {}

    def of(self, task: Task, is_frozen: bool) -> TaskResult:
        """Everything that this session says of ``task``."""
        if task.name not in self._results:
            asked_task = self._asked[task.name] = self._asked_task(task, is_frozen)
            result = self._judged(task, asked_task)
            self._results[task.name] = self._looks.settle(result, asked_task) if result.verdicts else result
        return self._results[task.name]

    def _judged(self, task: Task, asked_task: AskedTask) -> TaskResult:
        try:
            return judge_task(asked_task, self.unchanged(task, asked_task.participations))
        except EvalkitError:
            raise
        except Exception as error:  # a mistake of ours: what was asked is stored all the same
            return unjudged_task(asked_task, describe_error(error))

    def rows(self, task: str) -> Iterator[Row]:
        """What each model answered to each example of ``task``, which was judged before."""
        return rows_of(self._asked[task])

    def looks_ahead(self, task: Task, is_frozen: bool) -> LooksAhead | None:
        """Which looks at the test split of ``task`` this session may spend."""
        return self._looks.ahead(self._unnumbered(task, is_frozen))

    def take_looks(self, tasks: Iterable[Task], is_frozen: Callable[[Task], bool]) -> None:
        """Writes down whose answers to the test split of each of ``tasks`` are about to be shown."""
        for task in tasks:
            self._looks.take(self._unnumbered(task, is_frozen(task)))

    def settled(self, task: Task, rival: str) -> bool:
        """Whether every comparison with ``rival`` is settled by what was asked so far."""
        comparisons = comparisons_with(rival, self._asked_task(task))
        return bool(comparisons) and settled(comparisons)

    def _asked_task(self, task: Task, is_frozen: bool = True) -> AskedTask:
        return self._looks.numbered(self._unnumbered(task, is_frozen))

    def _unnumbered(self, task: Task, is_frozen: bool) -> AskedTask:
        """``task`` as it is asked, before it is known which looks that takes."""
        records = self._records.of(task)
        return AskedTask(
            task, self._options.split, records, self._answers.book(task), self._margin, is_frozen,
            self._answers.participants.lineage, self._records.turns(task, records),
            self._answers.participants.absent(task),
        )  # fmt: skip

    def unchanged(self, task: Task, records: Sequence[Participation] | None = None) -> tuple[UnchangedAdapter, ...]:
        """Each adapter that changed no answer, once they are asked and before they are graded."""
        if task.name not in self._unchanged:
            everyone = self._records.of(task) if records is None else records
            self._unchanged[task.name] = tuple(unchanged_adapters(everyone, self._answers.book(task)))
        return self._unchanged[task.name]


def verdict_of(result: TaskResult, backend: str) -> Verdict:
    """The verdict on ``backend``. Raises HarnessError where its judged split was not run whole."""
    _need_judged(result)
    verdict = result.verdict(backend)
    if verdict is None:
        raise HarnessError(f"no verdict on {backend}: its {result.split} split was not run whole")
    return verdict


def comparison_of(result: TaskResult, candidate: str, rival: str, score: str) -> Comparison:
    """The comparison of that pair. Raises HarnessError where one of the two was not run whole."""
    _need_judged(result)
    for comparison in result.comparisons:
        if (comparison.candidate, comparison.against, comparison.score) == (candidate, rival, score):
            return comparison
    participants = [run.participant for run in result.model_runs]
    problems = [f" {record.name}: {record.problem}" for record in participants if record.problem]
    raise HarnessError(f"{candidate} can't be compared with {rival}: one of them was not run whole.{''.join(problems)}")


def _need_judged(result: TaskResult) -> None:
    if result.problem:
        raise HarnessError(wording.unjudged_task(result.task, result.problem))
