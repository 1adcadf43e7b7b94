"""Runs in this process leave nothing of the project behind, and take nothing away that was imported."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

from mini_project import Project


def test_a_run_in_this_process_leaves_no_module_path_thread_handler_or_filter_behind(suite: Project) -> None:
    suite.run("suites", "--backend=clerk")  # what is imported for the first time may stay
    before = (list(sys.path), threading.active_count(), list(logging.getLogger().handlers), list(warnings.filters))
    suite.run("suites", "--backend=clerk")
    after = (list(sys.path), threading.active_count(), list(logging.getLogger().handlers), list(warnings.filters))
    assert after == before
    assert not {"test_moods", "clerk"} & sys.modules.keys()


def test_what_a_run_imports_of_other_packages_is_imported_once(suite: Project) -> None:
    suite.run("suites", "--backend=good", "-k", "h01")
    first = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ("numpy", "evalkit")}
    suite.run("suites", "--backend=good")
    assert {name for name, module in first.items() if sys.modules.get(name) is not module} == set()
