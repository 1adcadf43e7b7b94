"""What of an account and a model's name is part of the fingerprint."""

from __future__ import annotations

import pytest

from evalkit.models.account import Account, Api, extra_headers, moving

API = Api("anthropic", "https://api.anthropic.com")


def test_headers_that_the_sdk_adds_are_part_of_the_fingerprint_and_not_to_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert extra_headers(API) == {}
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "anthropic-beta: one")
    one = extra_headers(API)
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "anthropic-beta: two")
    two = extra_headers(API)
    assert one.keys() == two.keys() == {"headers"}
    assert one != two
    assert "beta" not in str(one) + str(two)


def test_only_a_name_that_says_so_moves() -> None:
    assert [moving(name) for name in ("claude-haiku-4-5", "latest-model", "claude-3-7-sonnet-latest")] == [
        {}, {}, {"moves": True},
    ]  # fmt: skip


def test_a_key_is_not_shown_where_an_account_is() -> None:
    assert "the-key" not in repr(Account("https://example.test", "the-key", "OPENAI_API_KEY"))
