"""What is known of one batch that was sent to a vendor, in a file of its own.

A run that is killed while it waits, or at any other moment, finds its batch by it and pays for nothing twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from evalkit._internal.files import write_atomically
from evalkit.errors import StoreError


@dataclass(slots=True)
class BatchRecord:
    """What is known of one batch. ``name`` is ours, ``batch`` the vendor's, empty while nobody knows whether it was
    sent; ``keys`` are those of its requests; ``answers`` are there once it has ended."""

    path: Path
    name: str
    made: str
    keys: list[str]
    batch: str = ""
    answers: dict[str, dict[str, Any]] | None = None

    @classmethod
    def new(cls, folder: Path, digest: str, keys: Iterable[str]) -> BatchRecord:
        """The record of a batch that is about to be sent, for the model whose fingerprint has that ``digest``."""
        name = uuid4().hex
        made = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(folder / f"{digest[:16]}-{name}.json", name, made, list(keys))

    @classmethod
    def all(cls, folder: Path, digest: str) -> list[BatchRecord]:
        """The records that earlier runs have left of that model, the oldest first."""
        return sorted((cls.read(path) for path in folder.glob(f"{digest[:16]}-*.json")), key=lambda record: record.made)

    @classmethod
    def read(cls, path: Path) -> BatchRecord:
        try:
            return cls(path=path, **json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(
                f"{path}: can't be read ({error}). It tells of a batch that was paid for; take the file away only if "
                f"that may be paid for again"
            ) from error

    @property
    def age(self) -> timedelta:
        """How long ago it was made."""
        return datetime.now(UTC) - datetime.fromisoformat(self.made)

    def save(self) -> None:
        """Writes the file, whole or not at all, and waits until it is on disk."""
        table = {name: value for name, value in asdict(self).items() if name != "path"}
        try:
            write_atomically(self.path, json.dumps(table), sync=True)
        except OSError as error:
            raise StoreError(f"{self.path}: can't be written: {error}. Nothing more is sent without it") from error
