"""Whether the name that a server calls its model by is another than the one that was asked for."""

from __future__ import annotations

import re

_VERSION = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3})$")
"""What vendors hang on a name for the version of a model."""
_FILE = re.compile(r":[^:/]+\.gguf$")
"""How a file in a folder of weights is named."""


def is_same_model(asked: str, served: str) -> bool:
    """Whether ``served`` is only another spelling of ``asked``: with its version, tag, branch, owner, folder or file.

    >>> is_same_model("gpt-4.1", "gpt-4.1-2025-04-14"), is_same_model("router", "router:latest")
    (True, True)
    >>> is_same_model("Router", "/models/router/Q8_0.gguf"), is_same_model("router", "acme/router@main")
    (True, True)
    >>> is_same_model("gpt-4.1", "gpt-4.1-mini-2025-04-14"), is_same_model("gpt-4.1-2025-04-14", "gpt-4.1-2025-07-01")
    (False, False)
    >>> is_same_model("acme/router", "other/router"), is_same_model("router", "/models/other.gguf")
    (False, False)
    """
    asked, served = _plain(asked), _plain(served)
    if served.endswith(".gguf"):  # of llama.cpp's server, which has one file and calls it by its path
        return _last(asked) in served
    if ("/" in asked) != ("/" in served):  # one of the two says whose it is
        asked, served = _last(asked), _last(served)
    return asked in (served, _VERSION.sub("", served))


def _plain(name: str) -> str:
    """``name`` without what says nothing: case, a default tag or branch, the file of a folder, "-latest"."""
    name = _FILE.sub("", name.strip().casefold())
    return name.removesuffix(":latest").removesuffix("@main").removesuffix("-latest")


def _last(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".gguf")
