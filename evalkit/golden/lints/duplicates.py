"""Examples that are the same, or nearly: one is counted twice, or gives the answer to the other away."""

from __future__ import annotations

from collections.abc import Iterator

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import judged, text_of
from evalkit.golden.model import Example, Task
from evalkit.golden.near_duplicates import NEAR, near_pairs, normal


def check(task: Task) -> Iterator[Finding]:
    examples = judged(example for split in task.splits.values() for example in split if normal(text_of(example)))
    for first, second, share in near_pairs(examples, [text_of(example) for example in examples], NEAR):
        if "train" in (first.split, second.split) and first.split != second.split:
            yield _pair(first, second, share, "error", "held out and in train: a model may have learnt it by heart",
                        "Take one of the two away, or write it anew.")  # fmt: skip
        elif first.split != second.split:
            yield _pair(first, second, share, "warning", f"in {first.split} and in {second.split}",
                        "What is chosen on one is then seen before on the other: take one away.")  # fmt: skip
        elif first.group != second.group:
            yield _pair(first, second, share, "warning", "counted as two",
                        "Take one away, or give both the same group.")  # fmt: skip
    yield from _shared_groups(task)


def _pair(first: Example, second: Example, share: float, level: str, what: str, remedy: str) -> Finding:
    same = "the same text as" if share == 1 else f"{share:.0%} the text of"
    return Finding(level, second.where, f"{second.id} is {same} {first.id} ({first.where}), {what}", remedy)  # type: ignore[arg-type]


def _shared_groups(task: Task) -> Iterator[Finding]:
    taught = {example.group: example for example in task.splits.get("train", ())}
    for split in ("test", "dev", "reference"):
        for example in task.splits.get(split, ()):
            if example.group in taught:
                taught_by = f"its group {example.group!r} is taught by {taught[example.group].id}"
                yield Finding(
                    "error", example.where, f"{example.id} is held out, and {taught_by}",
                    "Examples of one event belong into one split.",
                )  # fmt: skip
