"""What the operating system knows of this process."""

from __future__ import annotations


def resident_memory() -> int:
    """The memory that this process holds now (its resident set), in bytes: all that is in it, not the model alone."""
    import psutil

    return int(psutil.Process().memory_info().rss)
