"""Whether everything is there that a session needs: packages, golden data, models, the store, the disk."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from evalkit.errors import EvalkitError
from evalkit.golden.loader import find_tasks, load_task
from evalkit.golden.model import Task
from evalkit.models.cache import Store
from evalkit.models.config import Config
from evalkit.models.workbench import Workbench

EXTRAS: Mapping[str, Sequence[tuple[str, str]]] = {
    "gguf": (("xllamacpp", "xllamacpp"), ("gguf", "gguf"), ("llguidance", "llguidance")),
    "hf": (("torch", "torch"), ("transformers", "transformers"), ("peft", "peft")),
    "4bit": (("accelerate", "accelerate"), ("bitsandbytes", "bitsandbytes")),
    "ollama": (("ollama", "ollama"), ("httpx", "httpx")),
    "anthropic": (("anthropic", "anthropic"),),
    "openai": (("openai", "openai"),),
    "text": (("rouge_score", "rouge-score"),),
    "embedding": (("sentence_transformers", "sentence-transformers"),),
    "shrink": (("hypothesis", "hypothesis"),),
}
"""By extra the modules that it is for, each with the name of its package."""

LEAST_FREE = 1 << 30
"""Bytes of free disk below which a run may not end."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at. ``remedy`` is what to do where it is ``wrong``, or could be had."""

    what: str
    wrong: bool = False
    remedy: str = ""


def check_up(config: Config, backends: Sequence[str] = ()) -> Iterator[Checked]:
    """Everything, one after the other: the named ``backends``, or all aliases of the project.

    Loads no weights, and asks a server only who it is and which models it has."""
    yield Checked(f"evalkit {version('pytest-evalkit')}, Python {sys.version.split()[0]}, pytest {version('pytest')}")
    yield from map(_extra, EXTRAS)
    tasks: list[Task] = []
    for checked, task in _tasks(config):
        yield checked
        tasks += [task] if task is not None else []
    yield from _models(config, backends or sorted(config.aliases), tasks)
    yield _store(config)
    free = shutil.disk_usage(config.root).free
    little = free < LEAST_FREE
    yield Checked(f"{free / 2**30:,.1f} GiB of disk are free", little, "make room before a run" if little else "")


def _extra(name: str) -> Checked:
    absent = [package for module, package in EXTRAS[name] if find_spec(module) is None]
    if absent:
        return Checked(f"{name}: {', '.join(absent)} not installed", remedy=f"pip install 'pytest-evalkit[{name}]'")
    return Checked(f"{name}: " + ", ".join(f"{package} {_version(package)}" for _, package in EXTRAS[name]))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(of unknown version)"


def _tasks(config: Config) -> Iterator[tuple[Checked, Task | None]]:
    golden = config.root / config.golden
    folders = find_tasks(golden)
    if not folders:
        yield Checked(f"{golden}: no golden task", True, "make a folder with a task.toml there"), None
    for name, folder in folders.items():
        try:
            task = load_task(folder)
        except EvalkitError as error:
            yield Checked(str(error), True, f"evalkit lint {name} says the same"), None
        else:
            count = len(task.splits.get("test", ()))
            frozen = "" if (folder / "frozen.json").is_file() else ", not frozen"
            yield Checked(f"golden task {name}: {count:,} test examples{frozen}"), task


def _models(config: Config, names: Sequence[str], tasks: Sequence[Task]) -> Iterator[Checked]:
    if not names:
        yield Checked("no backend", True, "name one in [tool.evalkit.backends] of pyproject.toml")
    bench = Workbench(config)
    for name in names if tasks else ():
        problems = {}
        for task in tasks:
            try:
                bench.open(name, task)
            except EvalkitError as error:
                problems[task.name] = str(error)
        spec = config.alias(name).spec if name in config.aliases else name
        if problems:
            which = "" if len(problems) == len(tasks) else f" for {', '.join(problems)}"
            yield Checked(f"backend {name} can't be opened{which}", True, next(iter(problems.values())))
        else:
            yield Checked(f"backend {name} ({spec})")
    bench.release()


def _store(config: Config) -> Checked:
    path = config.store
    if not path.exists():
        return Checked(f"{path}: nothing is stored yet")
    try:
        with closing(Store(path)) as store:
            store.need_writing()
            return Checked(f"{path}: {store.count():,} answers")
    except EvalkitError as error:
        return Checked(f"{path} can't be used", True, str(error))
