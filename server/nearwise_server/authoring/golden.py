"""Golden cases, run on the entries as a device will run them: through a sealed bundle that is opened again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import loads
from typing import cast

from nearwise_rules import (
    Bundle,
    Entry,
    FileProblem,
    JsonObject,
    Manifest,
    Release,
    Trust,
    development_signer,
    failure_of,
    open_bundle,
    pack_bundle,
    root_hash,
    seal,
)

_SIGNER = development_signer(b"golden cases: a key of no secret")
_SHARED = ("nearwise", "attributes", "segments", "layers")


def provisional_bundle(entries: Sequence[Entry], issued: float) -> Bundle:
    """A bundle of `entries` that is good on this machine only: sealed with a key that is no secret."""
    manifest = Manifest(
        tenant="local",
        environment="local",
        audience="local",
        version=1,
        issued=issued,
        root=root_hash((entry.kind, entry.key, entry.digest) for entry in entries),
        entries=len(entries),
        size_bytes=sum(len(entry.body) for entry in entries),
    )
    sealed = seal(manifest.to_payload(), [_SIGNER])
    return open_bundle(pack_bundle(sealed, entries), Trust(keys={_SIGNER.key_id: _SIGNER.public_key}))


def failing_cases(
    entries: Sequence[Entry], documents: Mapping[str, object], broken: Iterable[str], now: float
) -> Iterator[FileProblem]:
    """Every golden case that gets another answer than it expects; cases that stand on broken files wait."""
    troubled = set(broken)
    cases = [entry for entry in entries if entry.kind == "case"]
    if not cases or any(_is_shared(file) for file in troubled):
        return
    release = Release(provisional_bundle(entries, now))
    for entry in cases:
        case = cast("JsonObject", loads(entry.body))
        message = failure_of(case, release) if _can_be_asked(case, release) else ""
        if message:
            file, pointer = _place(entry.key, documents)
            yield FileProblem(file, pointer, "failed_case", f"'{case['name']}' {message}")


def _is_shared(file: str) -> bool:
    return file.rsplit(".", 1)[0] in _SHARED or file.startswith(("audiences/", "experiments/"))


def _can_be_asked(case: JsonObject, release: Release) -> bool:
    """Whether what a case asks is among the entries: what is broken is not."""
    for kind in ("placement", "trigger"):
        if case.get(kind) is not None:
            return str(case[kind]) in release.bundle.keys(kind)
    return _needed_flags(str(case.get("flag")), release) <= set(release.flag_keys)


def _needed_flags(flag: str, release: Release) -> set[str]:
    """A flag and its prerequisites, direct and indirect."""
    needed: set[str] = set()
    waiting = [flag]
    while waiting:
        current = waiting.pop()
        if current not in needed:
            needed.add(current)
            document = cast("JsonObject", loads(release.bundle.entry("flag", current) or b"{}"))
            waiting += [str(item["flag"]) for item in cast("list[JsonObject]", document.get("requires") or [])]
    return needed


def _place(key: str, documents: Mapping[str, object]) -> tuple[str, str]:
    """The file and the pointer of a case's expectation, from its entry's key."""
    stem, _, name = key.partition("#")
    for file, document in documents.items():
        if file.rsplit(".", 1)[0] == f"cases/{stem}":
            names = [cast("JsonObject", case).get("name") for case in cast("list[object]", document)]
            return file, f"/{names.index(name)}/expect"
    return "", ""
