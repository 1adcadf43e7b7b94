"""Keys and fingerprints stay as they were first stored: a paid answer goes on answering its question.

The digests are literals. One that changes makes every stored completion of such a model a stranger.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.golden.model import Decoding
from evalkit.models.alias import Alias
from evalkit.models.backend import Opening, Spec, fingerprint_of
from evalkit.models.backends import anthropic, openai
from evalkit.models.opened import Model
from evalkit.models.request import Message, Request, digest_of_fingerprint

if TYPE_CHECKING:
    from conftest import MiniProject

FINGERPRINT = "50665d5f6905c879978f29d09f3778fbbf4394aa391ecc8373c02841ccffc0c1"
MESSAGES = (Message("system", "Say the mood as JSON."), Message("user", "Eiñ Text \ud83d"))
REQUEST = Request("mood", "t-01", MESSAGES, "", Decoding())
SCHEMA = {"type": "object", "properties": {"b": {}, "a": {}}}


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (REQUEST, "3791534a5081e45816ec89e8c1f634af9f86853150807281289ad68782c93401"),
        (
            replace(REQUEST, task="other", example_id="other"),
            "3791534a5081e45816ec89e8c1f634af9f86853150807281289ad68782c93401",
        ),
        (replace(REQUEST, prefill="{"), "de944fe9823c5243c623bab60fe5b6f6b7eb637cd13c6ec7e6cdff7e89ce22a4"),
        (replace(REQUEST, sample=2), "6b1012769e3bb2d1464e74575c0e3d2139d036f9df097975464a7653c3a7371a"),
        (
            replace(REQUEST, decoding=Decoding(7, 0.5, 3, None, 1.1)),
            "4327f2b619f63ed114e2968133abca0028bf9d298ee5ff5edb4f2d6ba7bf3214",
        ),
        (replace(REQUEST, schema=SCHEMA), "42899ec555dd167a73312d574c16470a39fb18de050ba2b02fd71466a4efb8e5"),
    ],
    ids=["plain", "another example", "prefill", "sample", "decoding", "schema"],
)
def test_a_request_keeps_its_key(request_: Request, key: str) -> None:
    assert request_.key(FINGERPRINT) == key


@pytest.mark.parametrize(
    ("fingerprint", "digest"),
    [
        (
            {
                "engine": "llama.cpp (xllamacpp 2026.10.11549)",
                "weights": "0c1d3326cd9793cfb7296113c063dd5c24e2bd734b48ec1a3d01b7158eca9387",
                "adapter": {},
                "reproducible": False,
            },
            FINGERPRINT,
        ),
        (
            {"constant": {"error": "missing_question"}},
            "8a1d2199f3c3b9ed7967c60e9d98e3a6738b9c2d919dcd0b3896bfd998dceb5c",
        ),
        (
            {
                "task": "0ba60c8a9b7df7846e16d70b3b90564d7232eb8dac2bcef57aa31b5b07f6a456",
                "floor": "oracle",
            },
            "37c88ca3ddb65525c9ddc8d876992065e90da37b9e526cf8b3cd30cc36012096",
        ),
    ],
    ids=["gguf", "constant", "oracle"],
)
def test_a_fingerprint_keeps_its_digest(fingerprint: dict[str, Any], digest: str) -> None:
    assert digest_of_fingerprint(fingerprint) == digest


class ByExample:
    """A backend whose answers depend on the example's id, as recorded ones do. It is never asked."""

    fingerprint = {"replay": "x"}  # noqa: RUF012
    by_example = True
    constrains = True


def test_an_answer_by_example_keeps_its_key(project: MiniProject) -> None:
    backend: Any = ByExample()
    model = Model(Alias("a", "a"), project.task(), "a", backend, fingerprint_of(backend))
    assert model.key(REQUEST) == "be8733a1295e16dddd0d6601bf91ad7f72438c49588f93d122ee15cbc5d0b954"


@pytest.mark.parametrize(
    ("module", "model", "options", "digest"),
    [
        (anthropic, "m-1", {}, "f72d42af822ad947d53530e9a329beb4cc3da22792e2ba2909195fc8ffe401a7"),
        (
            anthropic,
            "m-latest",
            {"sampling": True, "reasoning_tokens": 100},
            "8bfab292a8faefdf5d9b232b903f9d794581dff90bc7608d3b4e5946b051e112",
        ),
        (
            anthropic,
            "m-1",
            {"base_url": "http://localhost:1234/v1", "batch": True},
            "56bc604c94030657d9d46cc31c92bdf68a1dd99fec4f74767c7306caaf65aa78",
        ),
        (openai, "m-1", {}, "111576c8395fd28adb3a9e33f76768a033cc7f2d2279bf35c773fe0edc9c1d33"),
        (
            openai,
            "m-latest",
            {"sampling": False, "reasoning_tokens": 100},
            "4a904462d7e2a2e62360c3afe608d9b165b430488c927015bdbb127b3a8305b2",
        ),
        (
            openai,
            "m-1",
            {"base_url": "http://localhost:1234/v1", "batch": True},
            "2ed614d75b7b465444fe61ce64e9bfd2c0bdce066d2889d9b91ed133c1bb5544",
        ),
    ],
)
def test_a_model_behind_an_api_keeps_its_fingerprint(
    module: ModuleType,
    model: str,
    options: dict[str, Any],
    digest: str,
    project: MiniProject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for vendor in ("ANTHROPIC", "OPENAI"):
        monkeypatch.setenv(f"{vendor}_API_KEY", "k")
        for name in ("BASE_URL", "CUSTOM_HEADERS"):
            monkeypatch.delenv(f"{vendor}_{name}", raising=False)
    spec = Spec(module.__name__.rpartition(".")[2], model)
    assert fingerprint_of(module.open_backend(Opening(spec, project.task(), Path(), options))) == digest
