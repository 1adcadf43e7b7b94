"""Labels of which one is nearly all, and labels that hardly anybody has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from evalkit.lints import Finding, classes_of, judged
from evalkit.tasks import Task

MOST, FEW = 0.9, 5


def check(task: Task) -> Iterator[Finding]:
    for split in ("test", "train"):
        examples = judged(task.splits.get(split, ()))
        place = f"{task.folder.parent.name}/{task.name}/{split}.jsonl"
        for name in classes_of(task):
            values = [example.expected[name] for example in examples if name in example.expected]
            counts = Counter(str(value) for value in values)
            if not counts:
                continue
            label, count = counts.most_common(1)[0]
            if count / len(values) >= MOST:
                yield Finding(
                    "warning", place, f"{name} is {label} in {count} of {len(values)} examples: whoever always says so "
                    f"scores {count / len(values):.0%}", "Add examples of the other labels.",
                )  # fmt: skip
            for rare, few in counts.items():
                if few < FEW and split == "test":
                    yield Finding(
                        "note", place, f"{name} is {rare} in {few} examples only: nothing is shown about it by so few",
                        "Add some, if it matters.",
                    )  # fmt: skip
