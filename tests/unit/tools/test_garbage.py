"""What is imported is never searched for garbage, what traces a network not meanwhile; all else is in the end."""

from __future__ import annotations

import gc
import sys

import pytest

from classwright_tools.garbage import importing, unsearched

SELDOM = "this"
"""A module that nothing else imports; it prints a poem."""


def test_what_is_imported_is_kept_from_the_search_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, SELDOM, raising=False)
    before = gc.get_freeze_count()

    with importing():
        searched = gc.isenabled()
        __import__(SELDOM)

    assert not searched
    assert gc.isenabled()
    assert gc.get_freeze_count() > before


def test_where_all_was_imported_before_what_is_made_is_collected_as_ever() -> None:
    gc.collect()
    before = gc.get_freeze_count()

    with importing():
        made: list[object] = []
        made.append(made)

    assert gc.get_freeze_count() <= before
    assert gc.isenabled()


def test_work_that_makes_many_objects_is_not_searched_meanwhile() -> None:
    before = gc.get_freeze_count()

    with unsearched():
        searched = gc.isenabled()

    assert not searched
    assert gc.isenabled()
    assert gc.get_freeze_count() <= before


def test_a_failed_import_leaves_the_search_on() -> None:
    with pytest.raises(ModuleNotFoundError), importing():
        __import__("no_module_of_this_name")

    assert gc.isenabled()
