"""Where the models of a user lie."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The user's folder for downloaded models: ``$EVALKIT_CACHE``, else the platform's cache folder."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("EVALKIT_CACHE") or user_cache_path("evalkit"))
