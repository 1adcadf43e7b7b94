"""A real server that ignores `response_format`, and one that obeys it, as rivals that are asked with a schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from mini_project import Project
from real_servers import Serving, llama_server, transformers_serve

from fixtures.convert import base_gguf, float_base

pytestmark = pytest.mark.real

PROMPT = 'system = "Judge the headline."\nuser = "Headline: {{ headline }}"'
ONE_WORD = 'system = "Answer with one word only, yes or no."\nuser = "Is this a headline: {{ headline }}?"'


def column_of(suite: Project, serving: Serving) -> dict[str, Any]:
    suite.replace("golden/moods/task.toml", PROMPT, ONE_WORD)
    options = f'base_url = "{serving.url}", constrained = true, most = 1'
    suite.replace("pyproject.toml", "clerk = ", f'held = {{ spec = "openai:{serving.model}", {options} }}\nclerk = ')
    suite.run("suites", "--backend=good", "--against=held")
    (task,) = suite.report()["tasks"]
    found: dict[str, Any] = next(run for run in task["model_runs"] if run["participant"]["name"] == "held")
    return found


# Of the module: started before a test has a home of its own, in which there is no model.
@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with transformers_serve(str(float_base()), tmp_path_factory.mktemp("served") / "log") as serving:
        yield serving


@pytest.fixture(scope="module")
def llama() -> Iterator[Serving]:
    with llama_server(base_gguf()) as serving:
        yield serving


def test_transformers_serve_is_told_as_not_obeying(
    transformers: Serving, suite: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    column = column_of(suite, transformers)
    assert column["not_obeyed"]["count"] > 0
    assert "no JSON object alone" in column["not_obeyed"]["why"]
    assert "WARNING: moods: held was asked with constrained = true, and does not obey" in capsys.readouterr().out


def test_llama_cpps_own_server_obeys(llama: Serving, suite: Project) -> None:
    column = column_of(suite, llama)
    assert column["participant"]["obeyed"] is not None
    assert column["not_obeyed"] is None
    assert column["unanswered"] == {}
