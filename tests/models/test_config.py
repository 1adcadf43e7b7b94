"""pyproject.toml is read with defaults; what can't be used is named with what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import ConfigError, UnknownName
from evalkit.models.config import Config, cache_folder, read_config
from evalkit.models.request import Asking


def read(root: Path, text: str) -> Config:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return read_config(root)


@pytest.mark.parametrize("text", [None, "", "[tool.other]\nx = 1\n", "[tool.evalkit]\n"])
def test_without_a_table_all_defaults_hold(tmp_path: Path, text: str | None) -> None:
    config = read_config(tmp_path) if text is None else read(tmp_path, text)
    assert config == Config(tmp_path)
    assert (config.golden, config.suites, config.reports, config.inconclusive_win) == (
        "golden",
        ("suites",),
        "reports",
        1,
    )


def test_what_is_kept_is_kept_in_the_project(tmp_path: Path) -> None:
    config = read_config(tmp_path)
    assert config.store == tmp_path / ".evalkit" / "store.sqlite"
    assert config.cache == tmp_path / ".evalkit" / "cache"


def test_an_alias_is_a_spec_or_a_table(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        '[tool.evalkit]\nbackend = "tuned"\nsuites = ["a", "b"]\n[tool.evalkit.backends]\nbase = "gguf:m"\n'
        'tuned = { spec = "gguf:m+a/{task}", parent = "base", threads = 2 }\n',
    )
    assert (config.backend, config.suites) == (("tuned",), ("a", "b"))
    assert config.alias("base").spec == "gguf:m"
    tuned = config.alias("tuned")
    assert (tuned.spec, tuned.parent, tuned.options) == ("gguf:m+a/{task}", "base", {"threads": 2})


def test_how_an_alias_asks_is_no_option_of_its_backend(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "[tool.evalkit.backends]\n"
        'rival = { spec = "gguf:m", few_shot = true, prefill = "{", constrained = false, threads = 2 }\n',
    )
    rival = config.alias("rival")
    assert (rival.asking, rival.options) == (Asking(few_shot=True, prefill="{"), {"threads": 2})
    assert config.alias("gguf:m").asking == Asking()


def test_a_spec_is_an_alias_of_its_own(tmp_path: Path) -> None:
    alias = read_config(tmp_path).alias("replay:a.jsonl")
    assert (alias.name, alias.spec, alias.parent) == ("replay:a.jsonl", "replay:a.jsonl", None)


def test_a_model_may_be_in_the_cache_that_the_user_chose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "models"))
    config = read(tmp_path, '[tool.evalkit.models.m]\ngguf = "{cache}/m.gguf"\n')
    assert cache_folder() == tmp_path / "models"
    assert config.models["m"]["gguf"] == f"{tmp_path}/models/m.gguf"


def test_an_unknown_backend_suggests_an_alias_or_a_scheme(tmp_path: Path) -> None:
    config = read(tmp_path, '[tool.evalkit.backends]\ntuned = "gguf:m"\n')
    with pytest.raises(UnknownName, match=r"unknown backend 'tund'. Did you mean 'tuned'\? .*Aliases stand in \[tool"):
        config.alias("tund")
    with pytest.raises(UnknownName, match=r"unknown backend 'guff'. Did you mean 'gguf'\?"):
        config.alias("guff:m")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[tool.evalkit", "not valid TOML"),
        ("[tool]\nevalkit = 3", r"\[tool.evalkit\] is 3, expected a table"),
        ('[tool.evalkit]\nbackends = "x"', r"\[tool.evalkit\] backends is 'x', expected a table"),
        ("[tool.evalkit]\nbakend = 1", r"unknown key of \[tool.evalkit\] 'bakend'. Did you mean 'backend'\?"),
        ("[tool.evalkit]\nbackend = 1", r"backend is 1, expected a string or a list of strings"),
        ("[tool.evalkit]\nsuites = [1]", r"suites is \[1\], expected a string or a list of strings"),
        ("[tool.evalkit.backends]\nx = 1", r"backends\] x: got 1, expected a spec"),
        ("[tool.evalkit.backends.x]\nparent = 'y'", r"backends\] x: got .*expected a spec"),
        (
            "[tool.evalkit.backends]\nx = {spec = 'gguf:m', parent = 1}",
            r"x: parent is 1, expected the name of an alias",
        ),
        (
            "[tool.evalkit.backends]\nbase = 'gguf:m'\nx = {spec = 'gguf:m', parent = 'bse'}",
            r"x: unknown parent 'bse'. Did you mean 'base'\?",
        ),
        ("[tool.evalkit.backends]\nx = {spec = 'gguf:m', few_shot = 3}", "x: few_shot is 3, expected true or false"),
        ("[tool.evalkit.backends]\nx = {spec = 'gguf:m', prefill = true}", "x: prefill is True, expected a text"),
        (
            "[tool.evalkit.backends]\nx = {spec = 'gguf:m', constrained = 'yes'}",
            "x: constrained is 'yes', expected true or false",
        ),
        ("[tool.evalkit.models]\nm = 'x'", r"models\] m: got 'x', expected a table of strings"),
        ("[tool.evalkit]\nbaseline_margin = 0", "baseline_margin is 0, expected a difference of scores between 0 and"),
        ("[tool.evalkit]\nbaseline_margin = true", "baseline_margin is True, expected a difference"),
        ("[tool.evalkit]\ninconclusive_win = 2", "inconclusive_win is 2, expected 0, 1, or 6 and above"),
        ("[tool.evalkit]\ninconclusive_win = -1", "inconclusive_win is -1, expected 0, 1"),
        ("[tool.evalkit]\ninconclusive_win = true", "inconclusive_win is True, expected 0, 1"),
        ("[tool.evalkit]\ninconclusive_win = 1.0", r"inconclusive_win is 1.0, expected 0, 1"),
    ],
)
def test_what_cant_be_used_is_told_with_the_file(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=rf"pyproject.toml: .*{what}"):
        read(tmp_path, text)


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"pyproject.toml: not valid TOML: .*can't decode byte 0xe9"):
        read_config(tmp_path)


def test_what_was_left_open_has_the_exit_code_of_its_kind(tmp_path: Path) -> None:
    default = read(tmp_path, "")
    assert [default.code_of_open(kinds) for kinds in ((), ("no_loss",), ("win",), ("no_loss", "win"))] == [0, 0, 1, 1]
    quiet = read(tmp_path, "[tool.evalkit]\ninconclusive_no_loss = 7\n")
    assert [quiet.code_of_open(iter([kind])) for kind in ("no_loss", "equivalent", "win")] == [7, 7, 1]
    nightly = read(tmp_path, "[tool.evalkit]\ninconclusive_win = 0\ninconclusive_no_loss = 7\n")
    assert [nightly.code_of_open(kinds) for kinds in (("win",), ("no_loss", "win"))] == [0, 7]


@pytest.mark.parametrize("code", [0, 1, 6, 77])
def test_an_inconclusive_win_may_have_an_exit_code_that_is_not_pytests(tmp_path: Path, code: int) -> None:
    assert read(tmp_path, f"[tool.evalkit]\ninconclusive_win = {code}\n").inconclusive_win == code
