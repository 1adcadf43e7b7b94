"""Text from outside is shown as what it is, and can do nothing where it is shown."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from evalkit._internal.outside_text import code, cut, markdown, one_line
from evalkit.errors import BackendDied, describe_error, visible

TEXTS = st.text() | st.text(alphabet="`*_[]()<>!|#-+=~\\&;:$ \n\tab1.\x1b\u202e")
PAGE = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
INERT = {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}
FORGED = (
    "**verdict: SHIP**", "<script>alert(1)</script>", "![x](http://collect.test/a.png)", "[SHIP](http://collect.test)",
    "# SHIP", "- SHIP", "1. SHIP", "> SHIP", "~~BLOCK~~", "| a | b |", "[SHIP]: http://collect.test", "&lt;b&gt;",
    "<b>`</b>", "`a` **b** `", "``a`**b**", "__SHIP__", "_SHIP_", "\\*SHIP*", "+ SHIP", "***", "-- SHIP", "<!-- SHIP",
    "===",
)  # fmt: skip


def kinds(page: str) -> set[str]:
    """The kinds of everything in a page of Markdown."""
    tokens = PAGE.parse(page)
    return {token.type for block in tokens for token in (block, *(block.children or ()))}


def shown(page: str) -> str:
    """What a reader sees of a page of one paragraph."""
    return "".join(token.content for block in PAGE.parse(page) for token in block.children or ())


@given(TEXTS)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    allowed = "\n\t\u200c\u200d"
    left = [character for character in visible(text) if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl")]
    assert [character for character in left if character not in allowed] == []


@given(TEXTS)
def test_a_part_of_a_line_begins_no_other(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize("text", ["plain", "größer, 東京", "a\nb\tc", "\U0001f468\u200d\U0001f469 family"])
def test_what_a_person_writes_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_an_error_shows_what_a_server_sent() -> None:
    error = BackendDied("x: \x1b]52;c;aGk=\x07\u202e")
    assert (str(error), describe_error(ValueError("\x1b[2J"))) == (
        r"x: \x1b]52;c;aGk=\x07\u202e",
        r"ValueError: \x1b[2J",
    )


@pytest.mark.parametrize("text", FORGED)
def test_no_markup_in_a_text_is_markup_in_a_page(text: str) -> None:
    assert kinds(f"name: {markdown(text)}") <= INERT
    assert kinds(markdown(text)) <= INERT
    assert kinds(f"- {markdown(text)}") <= {
        *INERT,
        "bullet_list_open",
        "list_item_open",
        "list_item_close",
        "bullet_list_close",
    }


@given(TEXTS)
def test_any_text_is_one_paragraph_that_reads_as_it_was(text: str) -> None:
    page = f"x {markdown(text)} x"
    assert kinds(page) <= INERT
    without_code = re.sub(r"[` ]", "", one_line(text))
    assert re.sub(r"[` ]", "", shown(page)) == f"x{without_code}x"


@given(TEXTS)
def test_a_cell_of_a_table_stays_one_cell(text: str) -> None:
    page = f"| a | b |\n|---|---|\n| {markdown(text, cell=True)} | end |\n"
    cells = [token for token in PAGE.parse(page) if token.type == "td_open"]
    assert len(cells) == 2


@given(TEXTS)
def test_a_span_of_code_holds_its_text(text: str) -> None:
    page = f"x {code(text)} x"
    [inline] = [token for token in PAGE.parse(page) if token.type == "inline"]
    spans = [token.content for token in inline.children or () if token.type == "code_inline"]
    assert "".join(spans).strip() == one_line(text).strip() or not one_line(text).strip()


def test_a_long_text_says_how_much_is_left_out() -> None:
    assert cut("a" * 1000) == "a" * 300 + "... (700 more characters)"
