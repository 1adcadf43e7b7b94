"""A field of the input, such as a title, that is the same in train and in what is held out, where the rest differs.

In some fields values come again by their nature: sources, departments, dates. So a field counts as one that tells
examples apart where it is made of sentences (three words and more, as a rule) and where of the examples of train, one
for each group, hardly any has the value of another. In a field that does not, only a long text that one group of train
alone has is told, as a warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import held_out, judged, strings, text_of
from evalkit.golden.model import Example, Task
from evalkit.golden.near_duplicates import NEAR, near_pairs, normal

_REPEATED = 0.05
"""The share of values that come in several groups, up to which a field tells examples apart."""
_WORDS = 3
_LONG = 40
"""So many letters are written a second time by chance in no field."""


def check(task: Task) -> Iterator[Finding]:
    train, others = judged(task.splits.get("train", ())), held_out(task)
    examples = judged(example for split in task.splits.values() for example in split if normal(text_of(example)))
    near = near_pairs(examples, [text_of(example) for example in examples], NEAR)
    alike = {frozenset((first.id, second.id)) for first, second, _ in near}
    for field in dict.fromkeys(name for example in train for name in example.input):
        taught = _by_value(train, field)
        level = "error" if _tells_apart(taught) else "warning"
        for example in others:
            value = _value(example, field)
            groups = taught.get(value, {})
            first = next(iter(groups.values()), None)
            if first is None or len(example.input) < 2 or frozenset((first.id, example.id)) in alike:
                continue
            if _size(value) >= 2 if level == "error" else len(groups) == 1 and len(value) >= _LONG:
                yield Finding(
                    level,  # type: ignore[arg-type]
                    example.where, f"{example.id} has the same {field} as {first.id} ({first.where}), held out and in "
                    "train: a model may know the answer by it",
                    "Take one of the two away, or give it another.",
                )  # fmt: skip


def _value(example: Example, field: str) -> str:
    return normal(" ".join(strings(example.input.get(field))))


def _by_value(examples: Sequence[Example], field: str) -> Mapping[str, Mapping[str, Example]]:
    """The first example of each group that has a value of the field, by value and group."""
    found: dict[str, dict[str, Example]] = defaultdict(dict)
    for example in examples:
        if value := _value(example, field):
            found[value].setdefault(example.group, example)
    return found


def _tells_apart(taught: Mapping[str, Mapping[str, Example]]) -> bool:
    """Whether the field is made of sentences, and hardly any group has that of another."""
    if not taught:
        return False
    repeated = sum(len(groups) for groups in taught.values() if len(groups) > 1)
    return repeated <= _REPEATED * sum(map(len, taught.values())) and median(map(_size, taught)) >= _WORDS


def _size(value: str) -> float:
    """How many words ``value`` has that hold a letter; of a script without spaces three signs count as a word."""
    words = [word for word in value.split() if any(map(str.isalpha, word))]
    return sum(max(1.0, len(word) / 3 if _has_no_spaces(word) else 1.0) for word in words)


def _has_no_spaces(word: str) -> bool:
    return any("\u2e80" <= sign <= "\u9fff" or "\u0e00" <= sign <= "\u0eff" for sign in word)
