"""Keys and persons: what should not be in a file that is committed and sent to others' servers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalkit.golden.lints.finding import Finding
from evalkit.golden.lints.texts import strings
from evalkit.golden.model import Task

_KEYS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})"),
    "an API key": re.compile(r"\bsk-(?:(?:ant|proj)-|(?=[\w-]*\d)(?=[\w-]*[A-Z]))[A-Za-z0-9_-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
}
_PERSONS = {
    "a mail address": re.compile(r"\b[\w.+-]+@(?!example\.|[\w.-]+\.(?:example|test|invalid)\b)[\w-]+\.[\w.-]*\w"),
    "a bank account": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"),
    "a telephone number": re.compile(r"(?<![\w.])\+\d{1,3}[ \d()/-]{7,}\d"),
    "a card number": re.compile(r"\b(?:\d{4}[ -]?){3}\d{4}\b"),
}


def check(task: Task) -> Iterator[Finding]:
    where = task.place("task.toml")
    yield from _found(where, "the prompt", f"{task.prompt.system}\n{task.prompt.user}")
    for examples in task.splits.values():
        for example in examples:
            text = "\n".join(strings(example.input, example.expected, example.thinking))
            yield from _found(example.where, example.id, text)


def _found(where: str, whose: str, text: str) -> Iterator[Finding]:
    for name, pattern in _KEYS.items():
        if pattern.search(text):
            yield Finding("error", where, f"{whose} holds what looks like {name}",
                          "Take it out, and have it revoked where it is real.")  # fmt: skip
    for name, pattern in _PERSONS.items():
        if any(name != "a card number" or _luhn(match[0]) for match in pattern.finditer(text)):
            yield Finding("warning", where, f"{whose} holds what looks like {name}",
                          "Put an invented one in its place (example.com, 555-0100).")  # fmt: skip


def _luhn(number: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812).

    >>> _luhn("4111 1111 1111 1111"), _luhn("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(sign) for sign in reversed(number) if sign.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
