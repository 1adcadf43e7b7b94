"""What ``import evalkit`` gives to everybody: complete, sorted, documented, and cheap until it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import evalkit
from evalkit import errors

SOURCE = Path(evalkit.__file__)
every_name = pytest.mark.parametrize("name", evalkit.__all__)


def for_type_checkers() -> dict[str, str]:
    """The names that a type checker sees, and the module that each is imported from."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_the_public_names_are_sorted_and_each_is_there_once() -> None:
    assert evalkit.__all__ == sorted(set(evalkit.__all__))


def test_a_type_checker_sees_the_public_names_and_no_others() -> None:
    assert sorted(for_type_checkers()) == evalkit.__all__


@every_name
def test_a_public_name_is_the_one_that_a_type_checker_sees(name: str) -> None:
    value = getattr(evalkit, name)
    module = sys.modules[for_type_checkers()[name]]
    assert value is getattr(module, name)
    assert value.__module__ == module.__name__


@every_name
def test_a_public_name_says_what_it_is(name: str) -> None:
    text = getattr(evalkit, name).__doc__ or ""
    assert text.strip()
    assert not text.startswith(f"{name}("), "the signature that a dataclass writes when nobody has"


def test_every_error_is_public() -> None:
    raised = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert raised <= set(evalkit.__all__)


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'evalkit' has no attribute 'Marker'"):
        evalkit.Marker  # noqa: B018


def test_the_names_are_listed() -> None:
    assert set(evalkit.__all__) <= set(dir(evalkit))


def test_import_evalkit_imports_no_room() -> None:
    script = "import sys, evalkit; print(*sorted(name for name in sys.modules if name.startswith('evalkit.')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_the_types_are_shipped() -> None:
    assert (SOURCE.parent / "py.typed").is_file()
