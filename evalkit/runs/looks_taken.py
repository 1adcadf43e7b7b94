"""Which looks at a test split a run takes, and which verdicts of it count: the ledger's side of judging."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock

from evalkit.golden.looks import Answerer, FirstVerdict, Ledger, Terms
from evalkit.golden.model import Task
from evalkit.judging.first_verdict import decided, key_of, worn_out
from evalkit.judging.look_plan import planned_looks
from evalkit.judging.notes import LooksAhead
from evalkit.judging.verdict import Verdict
from evalkit.runs.asked_task import AskedTask
from evalkit.runs.look_store import LookStore
from evalkit.runs.look_terms import answerer, comparisons_of, is_shown, rivals_of, shared_terms, terms_of
from evalkit.runs.record import TaskResult

_NOT_TO_BE_WRITTEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def counts_looks(asked: AskedTask, ledger: Ledger) -> bool:
    """Whether what is shown of ``asked`` is a look: on a test split that is frozen, or was when the first one came."""
    return asked.split == "test" and (asked.frozen or bool(ledger.taken))


def with_looks(asked: AskedTask, ledger: Ledger, planned: int) -> AskedTask:
    """``asked`` with the number of each model's look: the one that it has, or would get."""
    if not counts_looks(asked, ledger):
        return asked
    terms = terms_of(asked)
    left = max(0, planned - len(ledger.taken))
    following = ledger.next_number
    parts = []
    for part in asked.participations:
        number, choices = 0, 1
        if is_shown(asked, part):
            who = answerer(asked, part)
            taken = ledger.judged(who, terms[part.name]) if part.name in terms else ledger.shown(who)
            number = taken.number if taken else following
            following += taken is None
            if part.name in terms:
                choices = ledger.choices(terms[part.name], comparisons_of(asked.task))
        participant = replace(
            part.participant, look=number, planned_looks=planned, looks_left=left, look_choices=choices
        )
        parts.append(replace(part, participant=participant))
    return replace(asked, participations=parts)


def take_looks(asked: AskedTask, ledger: Ledger, run: str, planned: int) -> None:
    """Writes down whose answers to the test split are about to be shown. Raises LooksError where that can't be.

    A model that left some of the split unanswered is shown, and can't be judged.
    """
    if not counts_looks(asked, ledger):
        return
    terms = terms_of(asked)
    for part in asked.participations:
        if is_shown(asked, part):
            judged = part.name in terms
            bound = terms[part.name] if judged else shared_terms(asked)
            ledger.take(part.name, answerer(asked, part), bound, run, planned, judged=judged)


def looks_ahead(asked: AskedTask, ledger: Ledger, planned: int) -> LooksAhead | None:
    """Which looks may be spent once ``asked`` is answered; None where none may be.

    By models and terms alone: one whose answers turn out to be those of another spends none.
    """
    if not counts_looks(asked, ledger):
        return None
    parts = {part.name: part for part in asked.participations}
    new = []
    for part in asked.participations:
        if part.role != "floor" and part.participant.problem is None and set(asked.judged) & part.keys.keys():
            who = Answerer(part.participant.candidate)
            whole = part.role == "backend" and part.name in asked.whole
            rivals = {name: Answerer(rival.participant.candidate) for name, rival in rivals_of(asked, part, parts)}
            terms = replace(shared_terms(asked), rivals=rivals)
            if (ledger.judged(who, terms) if whole else ledger.shown(who)) is None:
                new.append(part.name)
    return LooksAhead(asked.task.name, tuple(new), ledger.next_number, planned) if new else None


def settle(result: TaskResult, asked: AskedTask, ledger: Ledger, run: str) -> TaskResult:
    """``result`` with the verdicts that count: of a candidate that was judged before on these terms its first one, and
    none that decides anything once the split is worn out. A first verdict is written down."""
    terms = terms_of(asked)
    parts = {part.name: part for part in asked.participations}
    verdicts, comparisons = [], list(result.comparisons)
    for verdict in result.verdicts:
        part = parts[verdict.backend]
        taken = ledger.judged(answerer(asked, part), terms[part.name]) if part.name in terms else None
        if taken is None or not _is_whole(result, asked, verdict.backend, terms[part.name]):
            verdicts.append(verdict)
            continue
        if taken.number > part.participant.planned_looks:
            verdict, comparisons = worn_out(verdict, comparisons, part.participant.planned_looks)
        else:
            found = _verdict(verdict, result, run)
            first = ledger.decide(taken, answerer(asked, part), terms[part.name], found)
            if first.run != run:
                verdict, comparisons = decided(verdict, comparisons, first)
        verdicts.append(verdict)
    return replace(result, verdicts=tuple(verdicts), comparisons=tuple(comparisons))


def _is_whole(result: TaskResult, asked: AskedTask, candidate: str, terms: Terms) -> bool:
    """Whether nothing that is declared of ``candidate`` was left out: its rivals were run, and answered everything.

    What failed for want of a server, or of a flag, is no verdict to be held to.
    """
    unjudged = any(item.candidate == candidate and item.leaves_open for item in result.unjudged)
    return not unjudged and all(rival.answers or name in asked.turns for name, rival in terms.rivals.items())


def _verdict(verdict: Verdict, result: TaskResult, run: str) -> FirstVerdict:
    held = {
        key_of(item): str(item.status)
        for item in result.comparisons
        if item.declared and item.candidate == verdict.backend
    }
    return FirstVerdict(str(verdict.status), run, verdict.open, verdict.decision, held)


@dataclass(frozen=True, slots=True)
class LookTaker:
    """What the run called ``run`` does with ledgers; ``store`` is the project's, which keeps each line too.

    Several processes of a session do the same one after the other, and the second one finds all done.
    """

    store: Path
    run: str

    def numbered(self, asked: AskedTask) -> AskedTask:
        """``asked`` with the number of each model's look."""
        if asked.split != "test":
            return asked
        return with_looks(asked, Ledger.read(asked.task.folder), planned_looks(asked.task))

    def ahead(self, asked: AskedTask) -> LooksAhead | None:
        """Which looks may be spent once ``asked`` is answered."""
        if asked.split != "test":
            return None
        return looks_ahead(asked, Ledger.read(asked.task.folder), planned_looks(asked.task))

    def take(self, asked: AskedTask) -> None:
        """Writes down whose answers are about to be shown."""
        if asked.split != "test":
            return
        with self._ledger(asked.task) as ledger:
            take_looks(asked, ledger, self.run, planned_looks(asked.task))

    def settle(self, result: TaskResult, asked: AskedTask) -> TaskResult:
        """``result`` with the verdicts that count."""
        with self._ledger(asked.task) as ledger:
            return settle(result, asked, ledger, self.run)

    @contextmanager
    def _ledger(self, task: Task) -> Iterator[Ledger]:
        with self._alone():
            ledger = Ledger.read(task.folder)
            yield ledger
            if ledger.written:
                LookStore.keep(self.store, task, ledger.written)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other processes out. Where nothing may be written, none of ours writes, and a look that is not in the
        ledger yet fails to be taken."""
        self.store.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.store.with_name("looks.lock"))
        try:
            lock.acquire()
        except OSError as error:
            if error.errno not in _NOT_TO_BE_WRITTEN:
                raise
        try:
            yield
        finally:
            lock.release()
