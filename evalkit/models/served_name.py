"""Whether the name that a server calls its model by is another than the one that was asked for."""

from __future__ import annotations

import re

_DATE = re.compile(r"[-@](latest|\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3})$")
"""What vendors hang on a name for the version of a model, or for the newest one."""


def is_same_model(asked: str, served: str) -> bool:
    """Whether ``served`` is only another spelling of ``asked``: with its version, tag, branch, owner or file.

    >>> is_same_model("gpt-4.1", "gpt-4.1-2025-04-14"), is_same_model("router", "router:latest")
    (True, True)
    >>> is_same_model("Router", "/models/router.Q8_0.gguf"), is_same_model("router", "acme/router@main")
    (True, True)
    >>> is_same_model("gpt-4.1", "gpt-4.1-mini-2025-04-14"), is_same_model("gpt-4.1-2025-04-14", "gpt-4.1-2025-07-01")
    (False, False)
    >>> is_same_model("acme/router", "other/router")
    False
    """
    asked, served = _plain(asked), _plain(served)
    if served == asked or served.removesuffix(".gguf") == asked.removesuffix(".gguf"):
        return True
    file = served.endswith(".gguf") and re.split(r"[\\/]", served)[-1].removesuffix(".gguf")
    if file and (file == _name(asked) or file.startswith((f"{_name(asked)}.", f"{_name(asked)}-"))):
        return True
    if ("/" in asked) != ("/" in served):  # one of the two says whose it is, or in which folder
        asked, served = _name(asked), _name(served)
    return served == asked or _DATE.sub("", served) == asked or _DATE.sub("", served) == asked.removesuffix("-latest")


def _plain(name: str) -> str:
    """``name`` without what says nothing: case, a default tag, a default branch."""
    return name.strip().casefold().removesuffix(":latest").removesuffix("@main").rstrip("/")


def _name(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".gguf")
