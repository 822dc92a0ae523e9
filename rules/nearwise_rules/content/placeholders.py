"""Which texts have placeholders and what they name: as far as it is known without parsing them."""

from __future__ import annotations

import re

NAME = r"[A-Za-z0-9_$-]+(?:\.[A-Za-z0-9_$-]+)*"
"""How the attributes in placeholders are named."""

_TAG = re.compile(r"\{\{\s*\^?\s*(" + NAME + r")\s*\}\}", re.ASCII)


def is_template(text: str) -> bool:
    """Whether a text has placeholders."""
    return "{{" in text


def names_in(text: str) -> frozenset[str]:
    """The attributes that a text names."""
    return frozenset(_TAG.findall(text)) if is_template(text) else frozenset()
