"""Checks of golden data, before any model is asked: one file each, its name is what a waiver says.

In: one task with its examples. Out: findings, each with a place and a remedy.
"""

SHARED = ("finding", "labels", "texts", "waivers")
"""Files of this folder that are no check."""
