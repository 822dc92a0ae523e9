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
    ).covering(entries)
    sealed = seal(manifest.to_payload(), [_SIGNER])
    return open_bundle(pack_bundle(sealed, entries), Trust(keys={_SIGNER.key_id: _SIGNER.public_key}))


def failing_cases(
    entries: Sequence[Entry],
    documents: Mapping[str, object],
    found: Iterable[FileProblem],
    unread: Iterable[str],
    now: float,
) -> Iterator[FileProblem]:
    """Every golden case that gets another answer than it expects; what has a problem of its own, or stands on something
    that has (`found`, or a file that is `unread`), waits.
    """
    wrong = {(problem.file, problem.pointer.split("/")[1] if problem.pointer else "") for problem in found}
    cases = [entry for entry in entries if entry.kind == "case"]
    if not cases or any(map(_is_shared, {*unread, *(file for file, _ in wrong)})):
        return
    release = Release(provisional_bundle(entries, now))
    for entry in cases:
        case = cast("JsonObject", loads(entry.body))
        file, pointer = _place(entry.key, documents)
        is_sound = (file, pointer.split("/")[1]) not in wrong and _can_be_asked(case, release)
        message = failure_of(case, release) if is_sound else ""
        if message:
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
            cases = cast("list[object]", document)
            names = [cast("JsonObject", case).get("name") if isinstance(case, dict) else None for case in cases]
            return file, f"/{names.index(name)}/expect"
    raise LookupError(f"no file has the case {key!r}")
