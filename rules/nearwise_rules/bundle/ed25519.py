"""Ed25519 signatures (RFC 8032) in pure Python: what a device needs to check a manifest, and no secret of its own.

Verification is as strict as ed25519-dalek's `verify_strict`: s >= L, a key or a commitment that is not a canonical
encoding, and points of small order are refused; the equation is checked without the cofactor, as OpenSSL does. So
every signature that is good here is good for OpenSSL. Reasons: docs/decisions/pure-python-ed25519.md.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

from nearwise_rules.bundle.hashing import sha512

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_D2 = 2 * _D % _P
_ROOT_OF_MINUS_1 = 19681161376707505956807079304988542015446066515923890162744021073123829784752
_WIDTH = 5  # bits of a window: wider tables cost more than they save in a single verification
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960

# Extended twisted Edwards coordinates (RFC 8032 section 5.1.4): x = X/Z, y = Y/Z, x*y = T/Z.
_Point: TypeAlias = "tuple[int, int, int, int]"
# A point made ready for being added: (Y - X, Y + X, 2*d*T, 2*Z).
_Addend: TypeAlias = "tuple[int, int, int, int]"

_NEUTRAL: _Point = (0, 1, 1, 0)


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """True when `signature` (64 bytes) over `message` was made with the secret of `public_key` (32 bytes)."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    signer = _decode(public_key)
    if s >= _L or signer is None or _is_small(signer):
        return False
    k = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % _L
    commitment = _double_product(s, k, _negated(signer))
    # Comparing encodings refuses a commitment that is not canonical, for the computed one always is.
    return _encode(commitment) == signature[:32] and not _is_small(commitment)


def sign_message(seed: bytes, message: bytes) -> bytes:
    """Sign with a 32-byte seed. Its time depends on the secret: for development keys and tests only."""
    scalar, prefix = _secret(seed)
    public_key = public_key_of(seed)
    r = int.from_bytes(sha512(prefix + message).digest(), "little") % _L
    commitment = _encode(_double_product(r, 0, _NEUTRAL))
    k = int.from_bytes(sha512(commitment + public_key + message).digest(), "little") % _L
    return commitment + ((r + k * scalar) % _L).to_bytes(32, "little")


def public_key_of(seed: bytes) -> bytes:
    """The public key (32 bytes) of a seed (32 bytes)."""
    return _encode(_double_product(_secret(seed)[0] % _L, 0, _NEUTRAL))


def _secret(seed: bytes) -> tuple[int, bytes]:
    if len(seed) != 32:
        raise ValueError("a seed has 32 bytes")
    digest = sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & ((1 << 254) - 8) | (1 << 254), digest[32:]


def _decode(encoded: bytes) -> _Point | None:
    """The point of 32 bytes, None when they are no point in canonical form (RFC 8032 section 5.1.3)."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    v3 = v * v * v % _P
    x = u * v3 * pow(u * v3 * v3 * v, (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * _ROOT_OF_MINUS_1 % _P
    if (v * x * x - u) % _P or (sign and not x):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _is_small(point: _Point) -> bool:
    """True when eight times the point is neutral: such a point fits signatures that nobody made."""
    x, y, z, _ = _doubled(point, 3)
    return x % _P == 0 and (y - z) % _P == 0


def _negated(point: _Point) -> _Point:
    x, y, z, t = point
    return -x, y, z, -t


def _doubled(point: _Point, times: int) -> _Point:
    """2 ** times * point (RFC 8032 section 5.1.4, "dbl-2008-hwcd"); `times` is at least 1."""
    x, y, z, _ = point
    e = h = 0
    for _ in range(times):
        a, b, s = x * x % _P, y * y % _P, x + y
        g, h = a - b, a + b
        e, f = h - s * s % _P, 2 * z * z % _P + g
        x, y, z = e * f % _P, g * h % _P, f * g % _P
    return x, y, z, e * h % _P


def _addend(point: _Point) -> _Addend:
    x, y, z, t = point
    return y - x, y + x, _D2 * t % _P, 2 * z


def _sum(point: _Point, addend: _Addend) -> _Point:
    """RFC 8032 section 5.1.4, "add-2008-hwcd-3"; complete, so it needs no special cases."""
    x, y, z, t = point
    minus, plus, t2d, z2 = addend
    a, b = (y - x) * minus % _P, (y + x) * plus % _P
    c, d = t * t2d % _P, z * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _odd_multiples(point: _Point) -> dict[int, _Addend]:
    """1, 3 ... 15 times a point, and the same negated."""
    twice = _addend(_doubled(point, 1))
    multiples: dict[int, _Addend] = {}
    for factor in range(1, 1 << _WIDTH - 1, 2):
        minus, plus, t2d, z2 = multiples[factor] = _addend(point)
        multiples[-factor] = plus, minus, -t2d, z2
        point = _sum(point, twice)
    return multiples


@cache
def _base_multiples() -> dict[int, _Addend]:
    return _odd_multiples((_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P))


def _addends_by_bit(scalar: int, multiples: dict[int, _Addend]) -> dict[int, _Addend]:
    """The windowed non-adjacent form of a scalar: by bit position, the multiple to add there."""
    addends: dict[int, _Addend] = {}
    bit = 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        bit += zeros
        digit = scalar & ((1 << _WIDTH) - 1)
        if digit >> (_WIDTH - 1):
            digit -= 1 << _WIDTH
        addends[bit] = multiples[digit]
        scalar -= digit
    return addends


def _double_product(s: int, k: int, point: _Point) -> _Point:
    """s * base point + k * point, in variable time."""
    ours = _addends_by_bit(s, _base_multiples())
    theirs = _addends_by_bit(k, _odd_multiples(point))
    total = _NEUTRAL
    last = 0
    for bit in sorted({*ours, *theirs}, reverse=True):
        if last > bit:
            total = _doubled(total, last - bit)
        for addends in (ours, theirs):
            if bit in addends:
                total = _sum(total, addends[bit])
        last = bit
    return _doubled(total, last) if last else total
