"""Temporarily here."""

from evalkit.parsing import Schema as Schema
