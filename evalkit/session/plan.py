"""What the models of a session are asked: which examples, in which way, and how often."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from evalkit.errors import ConfigError, Problem
from evalkit.golden.model import Example, Task
from evalkit.golden.perturbations import Perturbed, perturbed_examples
from evalkit.models.backends.floors import FLOORS
from evalkit.models.config import Config
from evalkit.models.request import Asking, Request, render
from evalkit.runs.model_run import scored_examples

Selection = dict[str, dict[str, list[str]]]
"""``{task: {backend: [example ids]}}``, JSON-able: what of a suite was selected."""

_AGAIN = 24
"""So many examples are asked a second time of each rung of a lineage."""


@dataclass(slots=True)
class Requested:
    """Collects what the selected tests need."""

    _examples: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)

    @property
    def selection(self) -> Selection:
        """What was asked for so far, each example once, in the order in which it came."""
        return {
            task: {backend: list(examples) for backend, examples in backends.items()}
            for task, backends in self._examples.items()
        }

    def add(self, task: str, backend: str, examples: Iterable[str]) -> None:
        requested = self._examples.setdefault(task, {}).setdefault(backend, {})
        requested.update(dict.fromkeys(examples))


@dataclass(slots=True)
class RequestPlan:
    """The requests of one session, each rendered once.

    ``split`` is the judged one. ``samples`` is how often each example is asked, where its task draws answers (greedy
    ones, and floors, are asked once). ``rungs`` are asked some examples a second time.
    """

    config: Config
    split: str
    samples: int
    rungs: Collection[str]
    _scored: dict[str, dict[str, Example]] = field(default_factory=dict)
    _perturbed: dict[str, dict[str, Perturbed]] = field(default_factory=dict)
    _rendered: dict[tuple[str, Asking, int], dict[str, tuple[Request, ...]]] = field(default_factory=dict)
    _again: dict[tuple[str, Asking], dict[str, Request]] = field(default_factory=dict)

    def scored(self, task: Task) -> dict[str, Example]:
        """The examples that may be asked of ``task``, by id."""
        if task.name not in self._scored:
            self._scored[task.name] = scored_examples(task, self.split)
        return self._scored[task.name]

    def perturbed(self, task: Task) -> dict[str, Perturbed]:
        """The perturbed forms of the judged examples that may be asked of ``task``, by id."""
        if task.name not in self._perturbed:
            self._perturbed[task.name] = perturbed_examples(task, self.split)
        return self._perturbed[task.name]

    def example(self, task: Task, name: str) -> Example:
        """What may be asked under that id: an example, or a perturbed form of one."""
        example = self.scored(task).get(name)
        return example if example is not None else self.perturbed(task)[name].example

    def judged(self, task: Task) -> tuple[Example, ...]:
        """The examples of the judged split of ``task``."""
        return task.splits.get(self.split, ())

    def of(self, task: Task, backend: str) -> dict[str, tuple[Request, ...]]:
        """What ``backend`` may be asked, by example and perturbed example: a request for each sample."""
        return self._requests(task, self.config.alias(backend).asking, self._samples_of(task, backend))

    def again(self, task: Task, name: str) -> dict[str, Request]:
        """What a rung of a lineage is asked a second time, in another order: what it then answers otherwise is its own
        numeric noise. Drawn answers differ for another reason, so they are not asked again."""
        if name not in self.rungs or task.decoding.temperature > 0:
            return {}
        asking = self.config.alias(name).asking
        place = (task.name, asking)
        if place not in self._again:
            examples = self.judged(task)[:_AGAIN]
            self._again[place] = {example.id: render(task, example, asking, sample=1) for example in reversed(examples)}
        return self._again[place]

    def describe(self, task: Task, backend: str) -> str:
        """How ``backend`` is asked, for a reader of the report; empty for as the task says, and once."""
        count = self._samples_of(task, backend)
        samples = f"{count} samples of each example, averaged inside it" if count > 1 else ""
        greedy = "one sample, because the task is greedy" if count < self.samples and backend not in FLOORS else ""
        alias = self.config.alias(backend)
        return ", ".join(filter(None, (alias.asking.describe(task), alias.template.describe(), samples, greedy)))

    def problem(self, task: Task) -> Problem | None:
        """Why the prompt of ``task`` can't be rendered; None where it can."""
        try:
            self._requests(task, Asking(), 1)
        except ConfigError as error:
            where, _, what = str(error).partition(": ")
            return Problem(where, what)
        return None

    def _requests(self, task: Task, asking: Asking, count: int) -> dict[str, tuple[Request, ...]]:
        place = (task.name, asking, count)
        if place not in self._rendered:
            examples = (
                *self.scored(task).values(),
                *(perturbed.example for perturbed in self.perturbed(task).values()),
            )
            self._rendered[place] = {
                example.id: tuple(render(task, example, asking, sample=sample) for sample in range(count))
                for example in examples
            }
        return self._rendered[place]

    def _samples_of(self, task: Task, backend: str) -> int:
        return 1 if backend in FLOORS or task.decoding.temperature == 0 else self.samples
