"""Two lines to read every figure by: what nobody who reads gets right, and what words without their order get right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import log

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.labels import classed
from evalkit.golden.lints.texts import text_of
from evalkit.golden.model import Example, Task
from evalkit.golden.near_duplicates import normal


def check(task: Task) -> Iterator[Finding]:
    where = task.place("test.jsonl")
    held_out = {field: (rows, labels) for field, rows, labels in classed(task, task.splits.get("test", ()))}
    for field, taught, taught_labels in classed(task, task.splits.get("train", ())):
        if field not in held_out:
            continue
        rows, labels = held_out[field]
        commonest = Counter(taught_labels).most_common(1)[0][0]
        blind = sum(label == commonest for label in labels) / len(labels)
        read = sum(guess == label for guess, label in zip(_guesses(taught, taught_labels, rows), labels, strict=True))
        shown = f"the commonest label of train is right in {blind:.1%} of {len(labels)}, words alone (naive Bayes) in"
        yield Finding(
            "note", where, f"{field}: {shown} {read / len(labels):.1%}", "A model that is no better has not read."
        )


def _guesses(taught: Sequence[Example], labels: Sequence[str], examples: Sequence[Example]) -> Iterator[str]:
    """Multinomial naive Bayes with one added to each count (A. McCallum and K. Nigam, 1998)."""
    words: dict[str, Counter[str]] = {}
    sizes: Counter[str] = Counter()
    for example, label in zip(taught, labels, strict=True):
        sizes[label] += 1
        words.setdefault(label, Counter()).update(normal(text_of(example)).split())
    vocabulary = {word for counts in words.values() for word in counts}
    totals = {label: sum(counts.values()) + len(vocabulary) for label, counts in words.items()}
    for example in examples:
        seen = [word for word in normal(text_of(example)).split() if word in vocabulary]
        yield max(
            sorted(words),
            key=lambda label: log(sizes[label]) + sum(log((words[label][word] + 1) / totals[label]) for word in seen),
        )
