"""Sticky assignments: which variant of an experiment a subject was given, and how likely that was."""

from __future__ import annotations

from typing import NamedTuple


class Assignment(NamedTuple):
    """A variant that was given at Unix seconds `at`, with the probability that it had then."""

    variant: str
    propensity: float
    at: float
