"""Two lines to read every figure by: what nobody who reads gets right, and what words without their order get right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import log

from evalkit.lints import Finding, classes_of, judged, text_of
from evalkit.near_duplicates import normal
from evalkit.tasks import Example, Task


def check(task: Task) -> Iterator[Finding]:
    where = f"{task.folder.parent.name}/{task.name}/test.jsonl"
    for field in classes_of(task):
        taught, asked = (
            [example for example in judged(task.splits.get(split, ())) if field in example.expected]
            for split in ("train", "test")
        )
        if not taught or not asked:
            continue
        labels = [str(example.expected[field]) for example in asked]
        commonest = Counter(str(example.expected[field]) for example in taught).most_common(1)[0][0]
        blind = sum(label == commonest for label in labels) / len(labels)
        read = sum(guess == label for guess, label in zip(_guesses(taught, asked, field), labels, strict=True))
        told = f"the commonest label of train is right in {blind:.1%} of {len(labels)}, words alone (naive Bayes) in"
        yield Finding(
            "note", where, f"{field}: {told} {read / len(labels):.1%}", "A model that is no better has not read."
        )


def _guesses(taught: Sequence[Example], asked: Sequence[Example], field: str) -> Iterator[str]:
    """Multinomial naive Bayes with one added to each count (A. McCallum and K. Nigam, 1998)."""
    words: dict[str, Counter[str]] = {}
    sizes: Counter[str] = Counter()
    for example in taught:
        label = str(example.expected[field])
        sizes[label] += 1
        words.setdefault(label, Counter()).update(normal(text_of(example)).split())
    known = {word for counts in words.values() for word in counts}
    totals = {label: sum(counts.values()) + len(known) for label, counts in words.items()}
    for example in asked:
        own = [word for word in normal(text_of(example)).split() if word in known]
        yield max(
            sorted(words),
            key=lambda label: log(sizes[label]) + sum(log((words[label][word] + 1) / totals[label]) for word in own),
        )
