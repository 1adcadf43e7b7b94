"""Opens models: each alias for each task once, after a check that its backend can do what the alias asks of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit._internal.registry import find
from evalkit._internal.toml import NAME, quoted
from evalkit.errors import ConfigError
from evalkit.golden.model import Task
from evalkit.golden.schema import compiled
from evalkit.models.alias import Alias
from evalkit.models.backend import Backend, Opening, Spec, fingerprint_of
from evalkit.models.budget import Budget
from evalkit.models.config import Config
from evalkit.models.constraint.held import Held, as_it_is
from evalkit.models.opened import Model


@dataclass(slots=True)
class Workbench:
    """Opens each (alias, task) once; what its backends share lives here."""

    config: Config
    shared: dict[Any, Any] = field(default_factory=dict)
    opened: dict[tuple[str, str], Model] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    def open(self, name: str, task: Task) -> Model:
        """The model that ``name`` (an alias or a spec) is for ``task``. Loads no weights.

        Raises SetupError where it is unknown, or something it needs is missing.
        """
        place = (name, task.name)
        if place not in self.opened:
            alias = self.config.alias(name)
            where = f"{NAME}: [tool.evalkit.backends.{quoted(name)}]"
            if problem := alias.asking.problem(task) or alias.template.problem():
                raise ConfigError(f"{where}: {problem}")
            text = alias.spec_for(task.name)
            spec = Spec.parse(text)
            opening = Opening(
                spec,
                task,
                root=self.config.root,
                options=alias.options,
                models=self.config.models,
                shared=self.shared,
                cache=self.config.cache,
                kept=self.config.store.parent,
                budget=self.budget,
                alias=name if name in self.config.aliases else "",
                template=alias.template,
            )
            backend = find("backends", spec.scheme).open_backend(opening)
            if problem := _unfit(alias, spec.scheme, backend):
                raise ConfigError(f"{where}: {problem}")
            held = _held(backend, task, where) if alias.asking.constrained else None
            self.opened[place] = Model(alias, task, text, backend, fingerprint_of(backend), held)
        return self.opened[place]

    def release(self) -> None:
        """Gives back what the backends hold; one that is asked again loads again."""
        for model in self.opened.values():
            model.backend.close()


def _unfit(alias: Alias, scheme: str, backend: Backend) -> str | None:
    """What ``alias`` asks that a ``backend`` of this ``scheme`` can't do, with the remedy; None where it can."""
    asking = alias.asking
    if asking.constrained and not getattr(backend, "constrains", False):
        return (
            f"constrained = true, and {scheme} can't hold an answer to a schema; use gguf for this alias, or take the "
            f"key away"
        )
    if alias.template and not getattr(backend, "templated", False):
        return f"{alias.template.describe()}, and {scheme} renders no chat template; take the key away"
    if asking.retries and backend.by_example:
        return (
            f"retries = {asking.retries}, and {scheme} has one answer to each example, however it is asked: take the "
            f"key away"
        )
    return None


def _held(backend: Backend, task: Task, where: str) -> Held | None:
    """How ``backend`` is held to the schema of ``task``. Raises ConfigError where it can't be."""
    if backend.by_example:
        return None  # recorded: nobody knows how they were asked for
    hold: Callable[[Mapping[str, Any]], Held] = getattr(backend, "held", as_it_is)
    try:
        held = hold(task.schema)
        compiled(held.obeyed)
        return held
    except ValueError as error:
        raise ConfigError(f"{where}: constrained = true, and what is sent of the schema is none: {error}") from error
    except ConfigError as error:
        raise ConfigError(f"{where}: constrained = true, and {error}") from error
