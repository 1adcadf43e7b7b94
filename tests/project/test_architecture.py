"""Data goes one way: what imports what, and what stays cheap to import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import evalkit
from evalkit._internal.registry import KINDS, names

ROOT = Path(evalkit.__file__).parent

HEAVY = ("numpy", "scipy", "jsonschema", "jinja2", "torch", "rich", "click")
SOURCES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def name_of(path: Path) -> str:
    """The dotted name below evalkit: ``backends.gguf``, and ``backends`` for its ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path) for path in SOURCES}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """``(line, dotted name)`` of every import, those inside functions included, but none for type checkers only."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            module = node.module or ""
            for alias in node.names:
                below = f"{module}.{alias.name}".removeprefix("evalkit.")
                yield node.lineno, f"evalkit.{below}" if module.startswith("evalkit") and below in MODULES else module
        waiting.extend(ast.iter_child_nodes(node))


def own(path: Path) -> Iterator[tuple[int, str]]:
    """Those imports that are of evalkit's own modules, named below evalkit."""
    for line, name in imports(path):
        if name.startswith("evalkit."):
            yield line, name.removeprefix("evalkit.")


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name_of(path): {other for _, other in own(path)} for path in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {error.args[1]}")


def test_a_component_imports_another_only_where_it_is_made_of_it() -> None:
    components = {module.removeprefix("evalkit.") for kind in KINDS for module in names(kind).values()}
    imported = {
        other
        for path in SOURCES
        for _, other in own(path)
        if other in components and other.rpartition(".")[0] == name_of(path).rpartition(".")[0]
    }
    assert imported == {"models.backends.floors.constant"}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_only_the_plugin_and_the_door_to_tests_import_pytest(path: Path) -> None:
    wrong = [line for line, name in imports(path) if name.partition(".")[0] in ("pytest", "_pytest", "xdist")]
    assert not wrong or name_of(path).startswith(("plugin.", "testing")), (
        f"evalkit/{path.relative_to(ROOT)}:{wrong[0]} imports pytest"
    )


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_of_the_package_needs_the_tests_or_the_fixtures(path: Path) -> None:
    assert not [line for line, name in imports(path) if name.partition(".")[0] in ("tests", "fixtures", "conftest")]


@pytest.mark.parametrize("module", ["evalkit", "evalkit.plugin.hooks"])
def test_what_every_pytest_start_imports_is_light(module: str) -> None:
    script = f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}} & {set(HEAVY)}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")


def test_judging_needs_no_import_that_takes_a_second() -> None:
    script = "import sys, evalkit.session.finish, evalkit.reports.terminal; print('scipy.stats' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


def test_the_help_of_pytest_is_light() -> None:
    script = (
        "import sys, pytest; pytest.main(['--help', '-p', 'evalkit']); "
        f"print('heavy:', *sorted({{name.partition('.')[0] for name in sys.modules}} & {set(HEAVY)}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "--against" in done.stdout
    assert done.stdout.splitlines()[-1] == "heavy:", done.stderr
