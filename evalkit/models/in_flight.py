"""Which requests to a paid API are in flight, on disk: a run that is killed can't tell it any more.

An answer that was in flight is billed, and no API gives it to who asks later. So such a request is not asked again as
if nothing had happened: what it costs is for a person to decide.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import NotAnswered, StoreError


@dataclass(frozen=True, slots=True)
class InFlight:
    """One empty file a request in ``folder``, named by its key. Sessions ask one after the other, so what is there
    before anything is asked was left by one that was killed. Without a folder nothing is noted: nothing is paid."""

    folder: Path | None

    def lost(self, key: str, whose: str) -> NotAnswered | None:
        """Why the request of ``key``, named as ``whose``, must not be asked; None where it may be."""
        place = self.folder and self.folder / key
        if not place or not place.exists():
            return None
        return NotAnswered(
            f"{whose}: it was under way when an earlier run was killed, and may have been paid for. To ask it again, "
            f"and perhaps pay again, take {place} away (or its whole folder)"
        )

    def begin(self, key: str) -> None:
        """Notes that the request of ``key`` is about to be sent. Raises StoreError where that can't be written."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / key).touch()
        except OSError as error:
            raise StoreError(f"{self.folder}: can't be written: {error}. Nothing more is sent without it") from error

    def end(self, key: str) -> None:
        """Notes that the answer to the request of ``key`` is stored, or that none will come."""
        if self.folder is not None:
            with suppress(OSError):  # what can't be taken away is asked about later, which loses nothing
                (self.folder / key).unlink()
