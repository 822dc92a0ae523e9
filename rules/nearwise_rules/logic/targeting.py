"""flagd's `fractional`: a weighted choice by the hash of a key, in both generations of its hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from .bucketing import Bucketing, bucket, canonical_cbor
from .murmur3 import murmur3_32
from .operators import Kind, Operator
from .references import outermost
from .run import Run, Scope
from .values import look_up

MAX_TOTAL_WEIGHT = 2_147_483_647


def fractional(bucketing: Bucketing, flag_key: str, targeting_key: object, arguments: Sequence[object]) -> object:
    """Choose a variant: `[key, [variant, weight], ...]`, or only shares for the flag's own key and targeting key.

    Weights are integers, 1 when left out; a negative one counts as 0. Null where the key, a share or the total is
    unusable, exactly as flagd-core answers (1.0.0 for `murmur3`, 2.0.0 for `murmur3-cbor`).
    """
    hashed = _hashed(bucketing, flag_key, targeting_key, arguments)
    if hashed is None:
        return None
    named = _has_key(bucketing, arguments)
    shares = [_share(argument) for argument in (arguments[1:] if named else arguments)]
    total = 0
    for share in shares:
        if share is None:
            return None
        total += share[1]
    if not 0 < total <= MAX_TOTAL_WEIGHT:
        return None
    return _chosen(shares, bucket(hashed, total))


def fractional_of_run(run: Run, scope: Scope, *arguments: object) -> object:
    """Choose a variant by the hash that the evaluation names. Its flag and subject, or the context's `$flagd` data and
    `targetingKey`, make the key where the rule names none."""
    flag_key = run.flag_key or look_up(outermost(scope).data, ("$flagd", "flagKey"))
    run.spend(sum([len(key) for key in arguments[:1] if isinstance(key, str)]) >> 3)
    subject = run.subject or look_up(outermost(scope).data, ("targetingKey",))
    return fractional(run.bucketing, flag_key if isinstance(flag_key, str) else "", subject, arguments)


def _chosen(shares: Sequence[tuple[object, int] | None], wanted: int) -> object:
    end = 0
    for share in shares:
        if share is not None:
            end += share[1]
            if wanted < end:
                return share[0]
    return None


def _has_key(bucketing: Bucketing, arguments: Sequence[object]) -> bool:
    if bucketing is Bucketing.MURMUR3:
        return isinstance(arguments[0], str)
    return not isinstance(arguments[0], (list, tuple))


def _hashed(bucketing: Bucketing, flag_key: str, targeting_key: object, arguments: Sequence[object]) -> int | None:
    if not arguments:
        return None
    named = _has_key(bucketing, arguments)
    if not named and not (isinstance(targeting_key, str) and targeting_key):
        return None
    try:
        if bucketing is Bucketing.MURMUR3:
            text = arguments[0] if named else flag_key + cast("str", targeting_key)
            return murmur3_32(cast("str", text).encode()) if text else None
        key = arguments[0] if named else [flag_key, targeting_key]
        return None if key is None else murmur3_32(canonical_cbor(key))
    except ValueError:  # a lone surrogate, or a value that has no encoding
        return None


def _share(argument: object) -> tuple[object, int] | None:
    if not isinstance(argument, (list, tuple)):
        return None
    share = cast("Sequence[object]", argument)
    if not 1 <= len(share) <= 2:
        return None
    if len(share) == 1:
        return share[0], 1
    weight = share[1]
    if not isinstance(weight, int) or isinstance(weight, bool):
        return None
    return share[0], max(0, weight)


OPERATORS = (Operator(name="fractional", safe=fractional_of_run, kind=Kind.SCOPED, least=1),)
