"""Every exception of evalkit.

    EvalkitError
    ├── SetupError            the user can mend it before a model is asked; pytest ends with exit code 4
    │   ├── ConfigError       pyproject.toml, an option, a spec
    │   ├── UnknownName       no backend, scorer, alias or task of that name
    │   ├── GoldenError       everything that is wrong in a golden folder, each with its place
    │   ├── FrozenError       a frozen split is not what it was
    │   ├── LooksError        the looks at a test split can't be read or noted
    │   ├── MissingModel      weights, an adapter or a package that a backend or a scorer needs
    │   └── UnusableModel     a model that answered nothing: weights that can't be loaded, a server that is down
    └── HarnessError          something broke while a model was asked; never scored as a wrong answer
        ├── BackendDied       nothing more can be asked of this backend
        ├── NotAnswered       one request stayed without an answer
        │   ├── Unasked       because asking it might have cost more than was allowed
        │   └── TooLong       because its prompt, with the answer, does not fit into the model's context
        └── StoreError        the store can't be read or written

A message says what, where, what was got and what to do. Whatever it quotes is ``visible`` in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Kinds of characters that are not seen, and may change how others are: controls, marks of direction, half pairs."""


def visible(text: str) -> str:
    r"""``text`` with whatever is not seen as an escape; line breaks and tabs stay.

    A code of a terminal in it is text like any other, a mark that turns the direction of writing is seen, and half a
    surrogate pair can be encoded. Joiners inside an emoji or a word stay.

    >>> visible("\x1b[31mred\u202e")
    '\\x1b[31mred\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(_escape(character) if _is_hidden(character) else character for character in text)


def _is_hidden(character: str) -> bool:
    if character in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(character) in _HIDDEN


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


class EvalkitError(Exception):
    """Root of the tree: catch this to catch everything that evalkit raises on purpose."""

    def __str__(self) -> str:
        return visible(super().__str__())


def describe_error(error: Exception) -> str:
    """What ``error`` says, for a person: our own speak for themselves, others with their name."""
    return str(error) if isinstance(error, EvalkitError) else visible(f"{type(error).__name__}: {error}")


class SetupError(EvalkitError):
    """The user can mend it before a model is asked."""


class ConfigError(SetupError):
    """pyproject.toml, a command-line option or a spec can't be used. ``problems`` where one reading found several."""

    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ConfigError:
        """The error that tells all of ``problems``, of which there is one at least."""
        head = [] if len(problems) == 1 else [f"{len(problems)} problems in the configuration:"]
        error = cls("\n".join([*head, *(f"{'  ' * len(head)}{problem}" for problem in problems)]))
        error.problems = tuple(problems)
        return error


class UnknownName(SetupError):
    """No component, alias or task of that name; the message lists those there are, and suggests the nearest."""

    def __init__(self, kind: str, name: str, choices: Iterable[str], remedy: str = "") -> None:
        self.kind, self.name, self.choices = kind, name, sorted(set(choices))
        self.suggestion = next(iter(get_close_matches(name, self.choices, n=1)), None)
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        listed = ", ".join(self.choices) or "none"
        super().__init__(f"unknown {kind} {name!r}.{hint} Known: {listed}.{' ' + remedy if remedy else ''}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file that a person wrote: the file (with its line, where known), and what to do.

    ``key`` is the key's place in the file, as ``decoding.max_tokens``, and ``suggestion`` the name that was likely
    meant; both are part of ``what`` too.
    """

    where: str
    what: str
    key: str = ""
    suggestion: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class GoldenError(SetupError):
    """Everything that is wrong in a golden folder, found in one reading."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"{count} in the golden data:", *(f"  {p}" for p in self.problems)]))


class FrozenError(SetupError):
    """A frozen split is not what was frozen. ``changes`` has a line for each split that differs."""

    def __init__(self, message: str, changes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.changes = tuple(changes)


class LooksError(SetupError):
    """The looks at a test split can't be read or noted."""


class MissingModel(SetupError):
    """Weights, an adapter or a package that a backend or a scorer needs is not here."""


class UnusableModel(SetupError):
    """Models that answered nothing at all, though they were asked: weights that can't be loaded, a server that is down.

    ``causes`` are the reasons by the name of the model.
    """

    def __init__(self, causes: Mapping[str, str]) -> None:
        self.causes = dict(causes)
        count = len(self.causes)
        head = [] if count == 1 else [f"{count} models answered nothing, so no test was run:"]
        listed = [f"{'  ' * len(head)}{name} answered nothing: {why}" for name, why in self.causes.items()]
        super().__init__("\n".join([*head, *listed]))


class HarnessError(EvalkitError):
    """Something broke while a model was asked; never scored as a wrong answer."""


class BackendDied(HarnessError):
    """Nothing more can be asked of this backend in this run; the others go on."""


class NotAnswered(HarnessError):
    """One request stayed without an answer."""


class Unasked(NotAnswered):
    """One request was not asked, because that might have cost more than was allowed."""


class TooLong(NotAnswered):
    """The prompt of one request does not fit, with its answer, into the model's context.

    ``prompt`` and ``answer`` are in tokens; None where the prompt's are not known.
    """

    def __init__(self, message: str, prompt: int | None, answer: int) -> None:
        self.prompt, self.answer = prompt, answer
        super().__init__(message)


class StoreError(HarnessError):
    """The store can't be read or written."""
