"""Files: written whole or not at all, and known by their sha256."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import file_digest as hash_file
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from filelock import FileLock


@contextmanager
def atomically(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write a file to. The file replaces ``path`` at the end, or goes on any exception.

    Nobody ever sees half of it, and two writers don't mix: the last one stands. The folder must be there.
    Raises OSError.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with atomically(Path(folder, "notes.txt")) as unfinished:
    ...         _ = unfinished.write_text("whole")
    ...     Path(folder, "notes.txt").read_text()
    'whole'
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_atomically(
    path: Path, content: str | bytes | Iterable[str], *, errors: str = "strict", sync: bool = False
) -> None:
    """Writes ``content`` (a text in UTF-8, or its pieces, of which one at a time is held) to ``path``, whole or not at
    all. Its folder is made where it is missing.

    ``errors`` is what ``str.encode`` takes. With ``sync`` it returns only when the content is on the disk.
    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with atomically(path) as unfinished, unfinished.open("wb") as file:
            for piece in (content,) if isinstance(content, str | bytes) else content:
                file.write(piece.encode("utf-8", errors) if isinstance(piece, str) else piece)
            if sync:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is told by a write, which knows no name
        raise


def text_digest(text: str) -> str:
    """sha256 of ``text`` in UTF-8, hex."""
    return sha256(text.encode()).hexdigest()


def file_digest(path: Path, cache: Path) -> str:
    """sha256 of the file at ``path``, hex; remembered in ``cache/digests.json``.

    A file that kept its path, size and time of change (ns) is taken for unchanged, as make and git take it.
    """
    status = path.stat()
    table_path = cache / "digests.json"
    name, state = str(path.resolve()), [status.st_size, status.st_mtime_ns]
    remembered = _read_table(table_path).get(name)
    if remembered and remembered["state"] == state:
        return str(remembered["sha256"])
    with path.open("rb") as file:
        digest = hash_file(file, "sha256").hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "digests.lock"):
        table = _read_table(table_path) | {name: {"state": state, "sha256": digest}}
        write_atomically(table_path, json.dumps(table, indent=0, sort_keys=True))
    return digest


def _read_table(path: Path) -> dict[str, dict[str, object]]:
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return {}  # it only saves time: a torn file is made anew
