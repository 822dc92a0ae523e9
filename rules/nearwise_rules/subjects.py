"""Tokens of subjects: what stands for a customer's number everywhere, so that the number itself stays in the app.

HMAC-SHA-256 (RFC 2104) of the number under the tenant's key, cut to 128 bits: whoever has the key can work out the
token of a number, nobody the number of a token.
"""

from __future__ import annotations

from nearwise_rules.bundle.hashing import sha256

KEY_BYTES = 16
"""The shortest key that is taken."""

_PREFIX = "s_"
_DIGITS = 32
_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def subject_token(subject: str, key: bytes) -> str:
    """The token of a subject: `s_` and 32 hex digits. A token is its own token.

    Raises:
        ValueError: the key is shorter than 16 bytes.
        UnicodeEncodeError: the subject has a lone surrogate, so it is no text.
    """
    if len(key) < KEY_BYTES:
        raise ValueError(f"a key of {len(key)} bytes; at least {KEY_BYTES} are needed")
    if is_subject_token(subject):
        return subject
    block = (sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(block.translate(_INNER) + subject.encode()).digest()
    return _PREFIX + sha256(block.translate(_OUTER) + inner).hexdigest()[:_DIGITS]


def is_subject_token(text: str) -> bool:
    """Whether a text is the token of a subject."""
    digits = text.removeprefix(_PREFIX)
    return len(text) == len(_PREFIX) + _DIGITS == len(digits) + len(_PREFIX) and not digits.strip("0123456789abcdef")
