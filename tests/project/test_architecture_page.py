"""docs/architecture.md says what the code is: the rooms, and which of them imports which."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import evalkit

ROOT = Path(evalkit.__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def layers() -> list[str]:
    """The rooms as import-linter holds them, the lowest first; front doors left out."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    return [name for name in reversed(contracts[0]["layers"]) if (ROOT / "evalkit" / name).is_dir() or name == "errors"]


def imported_rooms(room: str) -> set[str]:
    """The other rooms that files of ``room`` import, inside functions too, but not for type checkers alone."""
    folder = ROOT / "evalkit" / room
    rooms: set[str] = set()
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]:
        waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                waiting.extend(node.orelse)
                continue
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evalkit"):
                below = (node.module or "").split(".")[1:2] or [alias.name for alias in node.names]
                rooms.update(below)
            waiting.extend(ast.iter_child_nodes(node))
    return (rooms & set(layers())) - {room}


def picture() -> str:
    """The picture of the rooms as the code has it."""
    rooms = layers()
    width = max(map(len, rooms))
    lines = []
    for number, room in enumerate(rooms):
        imported = imported_rooms(room)
        cells = " ".join(f"{'x' if other in imported else '':^{len(other)}}" for other in rooms[:number])
        lines.append(f"{room:<{width}} | {cells}".rstrip())
    return "\n".join([f"{'imports:':<{width}} | " + " ".join(rooms[:-1]), *lines])


def test_the_picture_shows_the_rooms_and_which_imports_which() -> None:
    drawn = re.search(r"<!-- rooms -->\n```\n(.*?)\n```\n<!-- /rooms -->", PAGE, re.DOTALL)
    assert drawn is not None
    assert drawn[1] == picture(), f"docs/architecture.md should show:\n\n{picture()}"


def test_every_room_of_the_package_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert explained == layers()


def test_every_file_that_the_page_sends_a_reader_to_is_there() -> None:
    named = re.findall(r"`((?:evalkit|fixtures|golden|suites|tests|benchmarks|docs)/[\w/.]+)`", PAGE)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_room_says_what_it_is_for_what_comes_in_and_what_goes_out() -> None:
    for room in layers():
        path = ROOT / "evalkit" / room / "__init__.py"
        if path.exists():
            words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            parts = [part for part in ("In: ", "Out: ") if part in words]
            assert parts == ["In: ", "Out: "], f"{path}: say what the room is for, then In: and Out:"
