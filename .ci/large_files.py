"""Refuses files above 1 MB: a repository never forgets them. Names of files are its arguments."""

from __future__ import annotations

import sys
from pathlib import Path

LIMIT = 1_000_000


def main(names: list[str]) -> int:
    large = {name: size for name in names if (size := Path(name).stat().st_size) > LIMIT}
    for name, size in large.items():
        print(f"{name}: {size / 1e6:.1f} MB, at most {LIMIT / 1e6:g} MB belong into the repository")
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
