"""What is made lies there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.cache import cache_folder, made_whole


def test_the_environment_names_another_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_fixtures_and_evalkit_mean_the_same_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalkit.models import folders

    monkeypatch.delenv("EVALKIT_CACHE", raising=False)
    assert cache_folder() == folders.cache_folder()


@pytest.mark.parametrize("stop", [OSError("disk full"), KeyboardInterrupt("ctrl-c")], ids=["error", "ctrl-c"])
def test_what_is_interrupted_leaves_nothing_and_keeps_what_was_there(tmp_path: Path, stop: BaseException) -> None:
    target = tmp_path / "model"
    target.write_text("before")

    def make() -> None:
        with made_whole(target) as unfinished:
            unfinished.write_text("half")
            raise stop

    with pytest.raises(type(stop), match=str(stop)):
        make()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("model", "before")]


def test_a_folder_takes_the_place_of_an_older_one_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with made_whole(target) as unfinished:
        unfinished.mkdir()
        (unfinished / "new").touch()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["model", "model/new"]
