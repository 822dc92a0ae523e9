"""What can keep the demo from being played.

DemoError
├── DemoImpossible    something it needs is missing or in the way: one line says what to do
└── DemoFailed        a part of it broke while playing: where its log is
"""

from __future__ import annotations


class DemoError(Exception):
    """Base of the demo's errors; the text is for people."""


class DemoImpossible(DemoError):
    """The demo cannot start: no examples folder, a folder that is not ours, a port in use."""


class DemoFailed(DemoError):
    """A process of the demo ended or did not answer in time."""
