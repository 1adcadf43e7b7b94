"""sha256 of files, remembered by path, size and time of change, so that weights are read once."""

from __future__ import annotations

import json
from hashlib import file_digest as hash_file
from hashlib import sha256
from pathlib import Path

from filelock import FileLock


def text_digest(text: str) -> str:
    """sha256 of ``text`` in UTF-8, hex."""
    return sha256(text.encode()).hexdigest()


def file_digest(path: Path, cache: Path) -> str:
    """sha256 of the file at ``path``, hex; remembered in ``cache/digests.json``.

    A file that kept its path, size and time of change (ns) is taken for unchanged, as make and git take it.
    """
    status = path.stat()
    known = cache / "digests.json"
    name, state = str(path.resolve()), [status.st_size, status.st_mtime_ns]
    remembered = _read(known).get(name)
    if remembered and remembered["state"] == state:
        return str(remembered["sha256"])
    with path.open("rb") as file:
        digest = hash_file(file, "sha256").hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "digests.lock"):
        table = _read(known) | {name: {"state": state, "sha256": digest}}
        whole = known.with_suffix(".tmp")
        whole.write_text(json.dumps(table, indent=0, sort_keys=True))
        whole.replace(known)
    return digest


def _read(known: Path) -> dict[str, dict[str, object]]:
    try:
        return dict(json.loads(known.read_text()))
    except (FileNotFoundError, ValueError):
        return {}  # it only saves time: a torn file is made anew
