"""The gate for text that evalkit did not write: what a model answered, a server sent, a golden folder says.

Every such text passes it on its way to a person. It is shown as what it is, and can do nothing there: no code of a
terminal, no markup of a page, no line of its own.
"""

from __future__ import annotations

import re

from evalkit.errors import visible

MOST_LOGGED = 300
"""So many characters of a text from outside stand in an error or a log."""

_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
"""A span of code as CommonMark reads it: nothing in it is markup."""

_MARKUP = re.compile(
    r"[\\*<|$]|`+"
    r"|(?<![^\W_])_|_(?![^\W_])"  # between two letters it is no emphasis
    r"|~~|(?<=\])[(\[]"  # struck out, and the second half of a link or an image
    r"|&(?=#?\w+;)"
)
_AT_START = re.compile(r"\s*(?:[#>\[=]|[+-](?=\s|$)|-{2,}|\d+[.)](?=\s|$))")
"""What begins a heading, a quote, a list, a rule, or the target of a link."""


def one_line(text: str) -> str:
    """``text`` as a part of a line: what is not ``visible``, and what would end the line, as escapes.

    >>> print(one_line("a\\x1b[2J\\nb"))
    a\\x1b[2J\\nb
    """
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def cut(text: str, most: int = MOST_LOGGED) -> str:
    """The first ``most`` characters of ``text``, and how many more there are.

    >>> cut("abcdef", 4)
    'abcd... (2 more characters)'
    """
    left = len(text) - most
    return text if left <= 0 else f"{text[:most]}... ({left} more character{'s' * (left > 1)})"


def markdown(text: str, *, cell: bool = False) -> str:
    """``text`` in a line of Markdown, as itself: of all markup only spans of code stay, in which nothing is any.

    In a ``cell`` of a table the line goes on behind it, so nothing begins there.

    >>> print(markdown("<b>SHIP</b> **SHIP** `a*b`"))
    \\<b>SHIP\\</b> \\*\\*SHIP\\*\\* `a*b`
    """
    text, parts, at = one_line(text), [], 0
    for span in _SPAN.finditer(text):
        parts += [_MARKUP.sub(_escaped, text[at : span.start()]), _code(span[0], cell)]
        at = span.end()
    parts.append(_MARKUP.sub(_escaped, text[at:]))
    line = "".join(parts)
    start = None if cell else _AT_START.match(text)
    if start is None or line.startswith("\\"):
        return line
    return f"{line[: start.end() - 1]}\\{line[start.end() - 1 :]}"


def code(text: str) -> str:
    """``text`` as a span of code in Markdown, whatever backticks are in it.

    >>> code("a `b`")
    '`` a `b` ``'
    """
    text = one_line(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, space = "`" * (longest + 1), " " * bool(longest or text != text.strip())
    return f"{fence}{space}{text}{space}{fence}"


def html(text: str) -> str:
    """``text`` in a page or an attribute of one, as itself.

    >>> html('<b a="1">')
    '&lt;b a=&quot;1&quot;&gt;'
    """
    import html as standard

    return standard.escape(visible(text))


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"\\{character}" for character in match[0])


def _code(span: str, cell: bool) -> str:
    return span.replace("|", "\\|") if cell else span
