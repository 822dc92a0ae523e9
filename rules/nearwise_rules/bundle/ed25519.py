"""Ed25519 signatures (RFC 8032) in pure Python: what a device needs to check a manifest, and nothing secret.

Stricter than the RFC where that costs an honest signer nothing (as ed25519-dalek's `verify_strict`): s >= L, points not in
canonical form and points of small order are refused. The equation is checked without the cofactor, as OpenSSL does.
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
    commitment = _decode(signature[:32])
    if commitment is None or _is_small(commitment):
        return False
    k = int.from_bytes(sha512(signature[:32] + public_key + message).digest(), "little") % _L
    x, y, z, _ = _double_product(s, k, _negated(signer))
    return (x - commitment[0] * z) % _P == 0 and (y - commitment[1] * z) % _P == 0


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
    y = number & ((1 << 255) - 1)
    if y >= _P:
        return None
    square = y * y % _P
    u, v = square - 1, _D * square + 1
    v3 = v * v * v % _P
    x = u * v3 * pow(u * v3 * v3 * v, (_P - 5) // 8, _P) % _P
    error = (v * x * x - u) % _P
    if error:
        x = x * _ROOT_OF_MINUS_1 % _P
        if (v * x * x - u) % _P:
            return None
    sign = number >> 255
    if sign and not x:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    return (y * inverse % _P | (x * inverse % _P & 1) << 255).to_bytes(32, "little")


def _is_small(point: _Point) -> bool:
    """True when eight times the point is neutral: such a key or commitment fits signatures that nobody made."""
    for _ in range(3):
        point = _add(point, _addend(point))
    return point[0] % _P == 0


def _negated(point: _Point) -> _Point:
    x, y, z, t = point
    return -x, y, z, -t


def _addend(point: _Point) -> _Addend:
    x, y, z, t = point
    return y - x, y + x, _D2 * t % _P, 2 * z


def _add(point: _Point, addend: _Addend) -> _Point:
    x, y, z, t = point
    minus, plus, t2d, z2 = addend
    a = (y - x) * minus % _P
    b = (y + x) * plus % _P
    c = t * t2d % _P
    d = z * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _subtract(point: _Point, addend: _Addend) -> _Point:
    minus, plus, t2d, z2 = addend
    return _add(point, (plus, minus, -t2d, z2))


def _odd_multiples(point: _Point, count: int) -> tuple[_Addend, ...]:
    """1, 3, 5 ... times a point."""
    twice = _addend(_add(point, _addend(point)))
    multiples = [point]
    while len(multiples) < count:
        multiples.append(_add(multiples[-1], twice))
    return tuple(_addend(multiple) for multiple in multiples)


@cache
def _base_multiples() -> tuple[_Addend, ...]:
    return _odd_multiples((_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P), 32)


def _windows(scalar: int, width: int) -> dict[int, int]:
    """The non-adjacent form of a scalar: odd digit by bit position, |digit| < 2 ** (width - 1)."""
    digits: dict[int, int] = {}
    place = 0
    while scalar:
        zeros = (scalar & -scalar).bit_length() - 1
        scalar >>= zeros
        place += zeros
        digit = scalar & ((1 << width) - 1)
        if digit >> (width - 1):
            digit -= 1 << width
        digits[place] = digit
        scalar -= digit
    return digits


def _double_product(s: int, k: int, point: _Point) -> _Point:
    """s * base point + k * point, in variable time."""
    base, other = _base_multiples(), _odd_multiples(point, 8)
    base_digits, digits = _windows(s, 7), _windows(k, 5)
    total = _NEUTRAL
    for place in range(max((*base_digits, *digits, -1)), -1, -1):
        x, y, z, _ = total
        a, b = x * x, y * y
        h = a + b
        e = (h - (x + y) * (x + y)) % _P
        g = a - b
        f = (2 * z * z + g) % _P
        h %= _P
        g %= _P
        total = (e * f % _P, g * h % _P, f * g % _P, e * h % _P)
        if place in base_digits:
            total = _plus_multiple(total, base, base_digits[place])
        if place in digits:
            total = _plus_multiple(total, other, digits[place])
    return total


def _plus_multiple(total: _Point, multiples: tuple[_Addend, ...], digit: int) -> _Point:
    if digit > 0:
        return _add(total, multiples[digit >> 1])
    return _subtract(total, multiples[-digit >> 1])
