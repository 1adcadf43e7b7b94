"""What the plugin does only where pytest-xdist is: workers share the session's name, and tell what they collected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.plugin import State


@dataclass(frozen=True, slots=True)
class Sharing:
    """The controller's side. Every worker collects the same, so any one's selection stands for all."""

    state: State

    def pytest_configure_node(self, node: Any) -> None:
        from evalkit.plugin import _session

        node.workerinput["evalkit_session"] = _session(node.config).identity

    def pytest_testnodedown(self, node: Any) -> None:
        # A worker that crashed has no output; the others collected what it did.
        self.state.selection = getattr(node, "workeroutput", {}).get("evalkit") or self.state.selection
