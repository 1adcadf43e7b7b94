"""A lineage: aliases that were made one from another, in the order of their making."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit._internal.toml import as_toml
from evalkit.errors import ConfigError, UnknownName


def check_rungs(rungs: Sequence[str], parents: Mapping[str, str | None]) -> None:
    """Checks the rungs of a lineage; ``parents`` has each alias with the one that it was made from.

    Raises UnknownName for a rung that is no alias, ConfigError where they are no lineage.
    """
    if len(set(rungs)) < 2 or len(set(rungs)) != len(rungs):
        raise ConfigError(f"rungs is {as_toml(rungs)}, expected two or more aliases, each once")
    for rung in rungs:
        if rung not in parents:
            # A spec alone has no parent, and a step is from a parent.
            raise UnknownName("alias", rung, parents)
    for rung in rungs[1:]:
        parent = parents[rung]
        if parent is not None and parent not in rungs:
            raise ConfigError(f"the parent of {rung!r} is {parent!r}, which is no rung of it: add it")
    if not any(parents[rung] in rungs for rung in rungs):
        raise ConfigError("no rung has a parent among them: set `parent` in [tool.evalkit.backends]")
