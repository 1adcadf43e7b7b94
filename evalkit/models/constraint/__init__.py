"""What holds an answer to a schema: how much of a schema each engine and vendor can hold, and whether it was obeyed."""

from __future__ import annotations
