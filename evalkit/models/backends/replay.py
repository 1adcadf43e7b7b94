"""Recorded answers, by example id: ``replay:answers.jsonl``.

One answer a line: ``{"id": "<example id>", "text": "<the raw answer>"}``, optionally ``"finish_reason"`` (stop,
length) and ``"sample"`` (0, 1, ...). ``{task}`` in the path is the task's name. What was recorded does not change with
how it is asked: ``few_shot``, ``constrained`` and ``thinking`` of an alias only say how it was, and a text
follows its ``prefill``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit._internal.files import text_digest
from evalkit._internal.strict_json import JsonError, lines_of, parse_json, read_text
from evalkit.errors import ConfigError, MissingModel, NotAnswered
from evalkit.models.backend import Backend, Completion, NoOptions, Opening
from evalkit.models.request import Request

_FINISH = ("stop", "length", "object_closed", "recorded")


def open_backend(opening: Opening) -> Backend:
    """A backend that answers from a file. Raises MissingModel without it, ConfigError with the line that is wrong."""
    opening.settings(NoOptions)
    path = opening.path(opening.spec.place)
    if not opening.spec.place or not path.is_file():
        raise MissingModel(f"{opening.spec}: no file {path}; expected JSONL with an id and a text in each line")
    try:
        text = read_text(path)
    except JsonError as error:
        raise ConfigError(f"{path}:{error.line}: {error}") from error
    answers: dict[tuple[str, int], Completion] = {}
    for number, line in lines_of(text):
        key, completion = _answer(line, f"{path}:{number}")
        if key in answers:
            raise ConfigError(f"{path}:{number}: {key[0]!r}, sample {key[1]}, is answered twice")
        answers[key] = completion
    return Replay(path, answers, {"replay": text_digest(text)})


def _answer(line: str, where: str) -> tuple[tuple[str, int], Completion]:
    try:
        entry = parse_json(line, half_pairs=True)
    except JsonError as error:
        raise ConfigError(f"{where}: {error}") from error
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not isinstance(entry.get("text"), str):
        raise ConfigError(f'{where}: got {line[:80]!r}, expected {{"id": "...", "text": "..."}}')
    finish, sample = entry.get("finish_reason", "recorded"), entry.get("sample", 0)
    if finish not in _FINISH or not isinstance(sample, int):
        raise ConfigError(
            f"{where}: finish_reason is {finish!r} and sample {sample!r}, expected one of {_FINISH} and a number"
        )
    return (entry["id"], sample), Completion(entry["text"], finish)


@dataclass(frozen=True, slots=True)
class Replay:
    """Answers from a file; an example that it does not hold is not answered."""

    path: Path
    answers: Mapping[tuple[str, int], Completion]
    fingerprint: Mapping[str, Any]
    by_example: bool = True
    constrains: bool = True
    templated: bool = True

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Completion | Exception]]:
        for request in requests:
            completion = self.answers.get((request.example_id, request.sample))
            missing = f"{self.path} has no answer for {request.example_id}, sample {request.sample}"
            yield request, completion or NotAnswered(missing)

    def close(self) -> None:
        """Nothing is held."""
