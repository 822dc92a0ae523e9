"""Audiences: millions of subject keys as a filter of about nine bits each, and how one is built of a list of keys.

A device asks filters and never builds one: what builds them is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nearwise_rules.audiences.filters import AudienceFilter
from nearwise_rules.later import imported_later

if TYPE_CHECKING:
    from nearwise_rules.audiences.building import build_filter
    from nearwise_rules.audiences.lists import KeyList, read_key_list

_LATER = {"KeyList": ".lists", "build_filter": ".building", "read_key_list": ".lists"}

__all__ = ["AudienceFilter", "KeyList", "build_filter", "read_key_list"]

if not TYPE_CHECKING:  # so that type checkers refuse names that are not there
    __getattr__ = imported_later(__name__, _LATER)
