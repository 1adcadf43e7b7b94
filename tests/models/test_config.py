"""pyproject.toml is read with defaults; what can't be used is named with what was expected."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from jsonschema import Draft202012Validator
from wrong_files import Mistake, as_data, fields_without_description

from evalkit.errors import ConfigError, UnknownName
from evalkit.golden.model import Task
from evalkit.models.backend import Opening, Spec
from evalkit.models.backends import replay
from evalkit.models.chat_template import TemplateArguments
from evalkit.models.config import Config, read_config
from evalkit.models.engines.llama_cpp import Settings
from evalkit.models.folders import cache_folder
from evalkit.models.project_file import ProjectTable
from evalkit.models.request import Asking
from evalkit.models.workbench import Workbench

if TYPE_CHECKING:
    from conftest import MiniProject


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


def test_an_alias_says_where_the_system_message_goes(tmp_path: Path) -> None:
    config = read(tmp_path, '[tool.evalkit.backends]\nold = { spec = "gguf:m", system = "into_user" }\n')
    assert config.alias("old").asking == Asking(system="into_user")


def test_the_system_message_goes_to_no_other_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"old\] system is 'user', expected .into_user., which joins"):
        read(tmp_path, '[tool.evalkit.backends]\nold = { spec = "gguf:m", system = "user" }\n')


def test_an_alias_says_what_its_chat_template_is_handed(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        "[tool.evalkit.backends]\nr = { spec = 'gguf:m', thinking = false, template = { effort = 'low', n = 1 } }\n",
    )
    assert config.alias("r").template == TemplateArguments(False, {"effort": "low", "n": 1})
    assert config.alias("r").options == {}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("thinking = 1024", r"thinking is 1024, expected true or false \(.*are `reasoning_tokens`\)"),
        ("template = 'low'", "template is 'low', expected a table of template arguments"),
        ("template = { day = 2026-01-01 }", "expected a table of template arguments"),
    ],
)
def test_what_no_chat_template_can_be_handed_is_told(tmp_path: Path, key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, f"[tool.evalkit.backends]\nr = {{ spec = 'openai:m', {key} }}\n")


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("spec = 'majority', thinking = true", "thinking = true, and majority renders no chat template"),
        ("spec = 'gguf:m', template = { messages = [] }", "messages, which every prompt is rendered with"),
        ("spec = 'gguf:m', thinking = true, template = { thinking = true }", "are one switch"),
    ],
)
def test_a_chat_template_that_is_not_there_is_handed_nothing(project: MiniProject, alias: str, said: str) -> None:
    project.write("pyproject.toml", f"[tool.evalkit.backends]\nr = {{ {alias} }}\n")
    with pytest.raises(ConfigError, match=rf"\[tool\.evalkit\.backends\.r\]: .*{said}"):
        Workbench(read_config(project.root)).open("r", project.task())


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
        ('[tool.evalkit]\nbackends = "x"', r"\[tool.evalkit.backends\] is 'x', expected a table"),
        ("[tool.evalkit]\nbakend = 1", r"\[tool.evalkit\] unknown key 'bakend'. Did you mean 'backend'\?"),
        ("[tool.evalkit]\nbackend = 1", r"backend is 1, expected a text or a list of texts"),
        ("[tool.evalkit]\nsuites = [1]", r"suites is \[1\], expected a text or a list of texts"),
        ("[tool.evalkit.backends]\nx = 1", r"backends\] x is 1, expected a spec"),
        ("[tool.evalkit.backends.x]\nparent = 'y'", r"backends.x\] spec is missing: the model, as in spec = "),
        (
            "[tool.evalkit.backends]\nx = {spec = 'gguf:m', parent = 1}",
            r"x\] parent is 1, expected the name of an alias",
        ),
        (
            "[tool.evalkit.backends]\nbase = 'gguf:m'\nx = {spec = 'gguf:m', parent = 'bse'}",
            r"x\] unknown parent 'bse'. Did you mean 'base'\?",
        ),
        ("[tool.evalkit.backends]\nx = {spec = 'gguf:m', few_shot = 3}", r"x\] few_shot is 3, expected true or false"),
        ("[tool.evalkit.backends]\nx = {spec = 'gguf:m', prefill = true}", r"x\] prefill is true, expected a text"),
        (
            "[tool.evalkit.backends]\nx = {spec = 'gguf:m', constrained = 'yes'}",
            r"x\] constrained is 'yes', expected true or false",
        ),
        ("[tool.evalkit.models]\nm = 'x'", r"models\] m is 'x', expected a table of texts"),
        ("[tool.evalkit]\nbaseline_margin = 0", "baseline_margin is 0, expected a difference of scores between 0 and"),
        ("[tool.evalkit]\nbaseline_margin = true", "baseline_margin is true, expected a difference"),
        ("[tool.evalkit]\ninconclusive_win = 2", "inconclusive_win is 2, expected 0, 1, or 6 and above"),
        ("[tool.evalkit]\ninconclusive_win = -1", "inconclusive_win is -1, expected 0, 1"),
        ("[tool.evalkit]\ninconclusive_win = true", "inconclusive_win is true, expected 0, 1"),
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


BACKENDS = "[tool.evalkit.backends]\nbase = 'gguf:m'\n"

MISTAKES = {
    "a list for a text": Mistake(
        "[tool.evalkit]\ngolden = ['golden']", "golden", "golden is ['golden'], expected a text"
    ),
    "a number for a list": Mistake("[tool.evalkit]\nsuites = 3", "suites", "expected a text or a list of texts"),
    "a misspelt key": Mistake(
        "[tool.evalkit]\nbackens = {}", "backens", "unknown key 'backens'. Did you mean 'backends'?", "backends"
    ),
    "a text for a table": Mistake(
        "[tool.evalkit]\nlineage = 'x'", "lineage", "[tool.evalkit.lineage] is 'x', expected a"
    ),
    "a margin that is none": Mistake("[tool.evalkit]\nbaseline_margin = 5", "baseline_margin", "between 0 and 1"),
    "an exit code of pytest": Mistake(
        "[tool.evalkit]\ninconclusive_no_loss = 3", "inconclusive_no_loss", "6 and above"
    ),
    "an alias without a spec": Mistake(
        "[tool.evalkit.backends.x]\nparent = 'base'\n" + BACKENDS,
        "backends.x.spec",
        "spec is missing: the model, as in",
    ),
    "an alias that is a list": Mistake(
        "[tool.evalkit.backends]\nx = ['gguf:m']", "backends.x", "x is ['gguf:m'], expected a spec (\"scheme:model\")"
    ),
    "an alias that is its own parent": Mistake(
        "[tool.evalkit.backends]\nx = {spec = 'gguf:m', parent = 'x'}",
        "backends.x",
        "[tool.evalkit.backends.x] parent is 'x', the alias itself: name what it was made from",
    ),
    "parents in a circle": Mistake(
        "[tool.evalkit.backends]\nx = {spec = 'gguf:m', parent = 'y'}\ny = {spec = 'gguf:n', parent = 'x'}\n"
        "z = {spec = 'gguf:o', parent = 'y'}",
        "backends.x",
        "the parents go in a circle: 'x' from 'y' from 'x'. Take one `parent` away",
    ),
    "a parent that is no alias": Mistake(
        BACKENDS + "x = {spec = 'gguf:m', parent = 'bsae'}", "backends.x", "unknown parent 'bsae'", "base"
    ),
    "a price below nothing": Mistake(
        "[tool.evalkit.prices.'openai:m']\ninput = -1\noutput = 2",
        'prices."openai:m".input',
        '[tool.evalkit.prices."openai:m"] input is -1, expected USD per million tokens, 0 or more',
    ),
    "half a price": Mistake(
        "[tool.evalkit.prices.'openai:m']\ninput = 1", 'prices."openai:m"', "no output; state input and output"
    ),
    "a lineage of one": Mistake(
        BACKENDS + "[tool.evalkit.lineage.way]\nrungs = ['base']", "lineage.way", "expected two or more aliases"
    ),
    "a lineage without rungs": Mistake(
        "[tool.evalkit.lineage.way]\nrung = ['base']", "lineage.way.rung", "unknown key 'rung'", "rungs"
    ),
    "a model's file that is no text": Mistake(
        "[tool.evalkit.models]\nm = {gguf = 3}", "models.m", "m is {gguf = 3}, expected a table of texts"
    ),
}


@pytest.mark.parametrize(("text", "key", "what", "suggestion"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_file_and_key(
    tmp_path: Path, text: str, key: str, what: str, suggestion: str | None
) -> None:
    with pytest.raises(ConfigError, match=re.escape(what)) as caught:
        read(tmp_path, text)
    [problem] = caught.value.problems
    assert (problem.where, *as_data(problem)) == (
        str(tmp_path / "pyproject.toml"), f"tool.evalkit.{key}", suggestion,
    )  # fmt: skip


def test_all_mistakes_of_the_file_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="4 problems in the configuration") as caught:
        read(
            tmp_path,
            "[tool.evalkit]\ngolden = 3\nbaseline_margin = true\n[tool.evalkit.backends]\n"
            "x = {spec = 3}\ny = {spec = 'gguf:m', parent = 'z'}\nw = {spec = 'gguf:m', parent = 'x'}\n",
        )
    assert [problem.key.removeprefix("tool.evalkit.") for problem in caught.value.problems] == [
        "backends.x.spec", "golden", "baseline_margin", "backends.y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "suggestion"), [("few_shots", "few_shot"), ("contxt", "context"), ("prefil", "prefill")]
)
def test_an_unknown_key_of_an_alias_suggests_its_own_keys_and_those_of_its_backend(
    tmp_path: Path, option: str, suggestion: str
) -> None:
    config = read(tmp_path, f"[tool.evalkit.backends]\nrival = {{ spec = 'gguf:m', {option} = true, slots = '2' }}\n")
    opening = Opening(Spec("gguf", "m"), cast(Task, None), tmp_path, config.alias("rival").options, alias="rival")

    with pytest.raises(ConfigError, match=r"2 problems in the configuration") as caught:
        opening.settings(Settings)
    unknown, mistyped = caught.value.problems
    assert (unknown.where, *as_data(unknown)) == (
        "pyproject.toml: [tool.evalkit.backends.rival]", option, suggestion,
    )  # fmt: skip
    assert mistyped.what == "slots is '2', expected a whole number"


def test_an_unknown_key_of_recorded_answers_is_not_passed_over(tmp_path: Path) -> None:
    opening = Opening(Spec("replay", "a.jsonl"), cast(Task, None), tmp_path, {"few_shots": True}, alias="rival")
    with pytest.raises(ConfigError, match=r"backends\.rival\]: unknown option 'few_shots'\. Did you mean 'few_shot'\?"):
        replay.open_backend(opening)


def test_a_whole_number_is_good_for_an_option_with_a_point(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Penalised:
        repeat_penalty: float = 0.0

    settings = Opening(Spec("m"), cast(Task, None), tmp_path, {"repeat_penalty": 1}).settings(Penalised)
    assert repr(settings.repeat_penalty) == "1.0"


def test_every_key_is_described_for_an_editor() -> None:
    assert fields_without_description(ProjectTable) == []
    validator = Draft202012Validator(ProjectTable.model_json_schema())
    table = {"backend": "x", "backends": {"x": "gguf:m", "y": {"spec": "gguf:n", "slots": 2}}, "inconclusive_win": 7}
    assert validator.is_valid(table)
    assert not validator.is_valid({"inconclusive_win": 3})
    assert not validator.is_valid({"golden": ["golden"]})


def test_this_project_is_read_by_its_own_schema() -> None:
    root = Path(__file__).parents[2]
    table = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["evalkit"]
    assert [error.message for error in Draft202012Validator(ProjectTable.model_json_schema()).iter_errors(table)] == []
    assert read_config(root).aliases.keys() == table["backends"].keys()
