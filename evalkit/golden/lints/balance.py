"""Labels of which one is nearly all, and labels that hardly anybody has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from evalkit._internal.counts import counted, named
from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.labels import NEARLY_ALL, classed, numbered
from evalkit.golden.model import Task

FEW, LEAST = 5, 20


def check(task: Task) -> Iterator[Finding]:
    for split in ("test", "train"):
        place = task.place(f"{split}.jsonl")
        for name, _, values in classed(task, task.splits.get(split, ())):
            counts = Counter(values)
            label, count = counts.most_common(1)[0]
            if count / len(values) >= NEARLY_ALL and len(values) >= LEAST:
                yield Finding(
                    "warning", place, f"{name} is {named(label)} in {count} of {counted(len(values), 'example')}: "
                    f"whoever always says so scores {count / len(values):.0%}", "Add examples of the other labels.",
                )  # fmt: skip
            for rare, few in counts.items():
                if few < FEW and split == "test":
                    yield Finding(
                        "note", place, f"{name} is {named(rare)} in {counted(few, 'example')} only: nothing is shown "
                        "about it by so few", "Add some, if it matters.",
                    )  # fmt: skip
        for name, _, numbers in numbered(task, task.splits.get(split, ())):
            quiet = sum(number == 0 for number in numbers)
            yield Finding(
                "note", place, f"{name} is 0 in {quiet} of {counted(len(numbers), 'example')}: so much is noise",
                "Noise must be there to be left alone, and must not be all there is.",
            )  # fmt: skip
