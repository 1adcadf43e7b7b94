"""Lines that are shown to a person in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from evalkit.plugin.state import is_worker

if TYPE_CHECKING:
    import pytest


def sayer(config: pytest.Config) -> Callable[[str], object]:
    """What shows a line to a person in the middle of a run."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or is_worker(config):
        return lambda _: None

    def say(line: str) -> None:
        reporter.ensure_newline()
        reporter.write_line(line, yellow=True)

    return say
