"""Which bundle decides, where it came from, and whether another may take its place. Activation is one assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import sleep
from typing import TYPE_CHECKING, NamedTuple, cast

from nearwise.bundles import Generations
from nearwise.decisions import Decision, Undecided
from nearwise.files import read_whole
from nearwise.states import Source, State
from nearwise.version import __version__
from nearwise_rules import BundleRefused, Refusal, Release, accept, nothing_known, open_bundle, trusted_time

if TYPE_CHECKING:
    from nearwise_rules import Accepted, Bundle, BundleLimits, Explanation, Manifest, Surround, Trust


class Active(NamedTuple):
    """What decides now. `release` has the compiled flags of `bundle`; both are None while there is none."""

    decide: Callable[..., Decision]
    decide_many: Callable[..., list[Decision]]
    source: Source
    release: Release | None = None
    since: float | None = None


class Shelf:
    """The deciding bundle and its predecessors. Any thread reads `active`; one thread changes it."""

    def __init__(
        self,
        trust: Trust | None,
        limits: BundleLimits,
        generations: Generations | None,
        clock: Callable[[], float],
        surround: Surround = nothing_known,
    ) -> None:
        """`surround` gives decisions what is known of a subject beside the context."""
        nobody = Undecided()
        self.active = Active(nobody.decide, nobody.decide_many, Source.DEFAULT)
        self.refused: str | None = None
        self.on_change: Callable[[Active], None] = lambda _active: None
        self.closed = False
        """Nothing more is planned, and nothing takes over."""
        self.failed: str | None = None
        """What kept it from planning ahead last."""
        self._trust = trust
        self.limits = limits
        self._clock = clock
        self._surround = surround
        self._generations = generations
        self._accepted: Accepted | None = None
        self._damaged: list[str] = []
        self._server_date: float | None = None

    @property
    def bundle(self) -> Bundle | None:
        """The bundle that decides."""
        return None if self.active.release is None else self.active.release.bundle

    @property
    def version(self) -> int:
        """The version of the bundle that decides; 0 without one."""
        return 0 if self.active.release is None else self.active.release.version

    @property
    def damaged(self) -> tuple[str, ...]:
        """What could not be used at the start, or not be kept later, and why."""
        return (*(self._generations.damaged if self._generations else ()), *self._damaged)

    def state(self) -> State:
        """How the deciding bundle stands to its expiry."""
        bundle = self.bundle
        if bundle is None:
            return State.NOT_READY
        from nearwise_rules import freshness

        return State[freshness(bundle.manifest, self._trusted_now(bundle.manifest), self._clock()).name]

    def open(self, seed: str | None) -> None:
        """Put the newest good generation to work, else the seed. Never raises: what cannot be used is reported."""
        if self._generations is not None and self._trust is not None:
            self._accepted = self._generations.accepted()
            for bundle in self._generations.good():
                if self._start_with(bundle, Source.GENERATION):
                    break
        if seed is not None and self._trust is not None:
            self._open_seed(seed, self._trust)

    def _open_seed(self, seed: str, trust: Trust) -> None:
        """A seed that is newer than the generations (a new version of the app) goes before them."""
        content = read_whole(seed, self.limits.max_bundle_bytes)
        if content is None:
            self._damaged.append(f"{seed}: cannot be read")
            return
        try:
            bundle = open_bundle(content, trust, self.limits)
        except BundleRefused as refused:
            self._damaged.append(f"{seed}: {refused}")
            return
        if bundle.manifest.version > self.version:
            self._start_with(bundle, Source.SEED)

    def _start_with(self, bundle: Bundle, source: Source) -> bool:
        """What lies on disk may be older than what was accepted: a damaged newest generation leaves nothing else.

        It may be newer too, when the memory of what was accepted is lost: then nothing older than it is taken.
        """
        try:
            accepted = self._check(bundle.manifest, None)
            self._activate(bundle, source)
        except BundleRefused as refused:
            self._damaged.append(f"version {bundle.manifest.version}: {refused}")
            return False
        if self._accepted is None or self._accepted.version < accepted.version:
            self._accepted = accepted
        return True

    def prepare(self, release: Release | None, go_on: Callable[[], bool] = lambda: True) -> None:
        """Plan what a release decides, so that no customer waits for it. Others may go on between two steps."""
        try:
            for _ in () if release is None or self.closed else release.prepare():
                sleep(0)
                if self.closed or not go_on():
                    return
        except Exception as error:  # noqa: BLE001  what cannot be planned ahead is tried again when it is asked for
            self.failed = f"planning ahead: {type(error).__name__}: {error}"

    def explain(self, flag: str, data: Mapping[str, object], subject: object, at: float) -> Explanation:
        """The decision of the deciding bundle with the way to it."""
        from nearwise_rules import Explanation, explain

        active = self.active
        if active.release is not None:
            return explain(active.release, flag, data, subject, at)
        return Explanation(active.decide(flag, data, subject, at, None, None), ("there is no bundle to decide by",), ())

    def forget_disk(self) -> None:
        """Keep no more generations: the folder belongs to another process."""
        self._generations = None

    def hear(self, server_date: float) -> None:
        """The server says what time it is (Unix seconds): time that has certainly passed."""
        self._server_date = max(server_date, self._server_date or server_date)

    def check(self, candidate: Manifest) -> bool:
        """Whether a verified manifest from the server brings something new.

        Raises:
            BundleRefused: it may not take the place of what was accepted.
        """
        self._check(candidate, self._accepted)
        bundle = self.bundle
        return bundle is None or candidate.root != bundle.manifest.root or candidate.version != bundle.manifest.version

    def _check(self, candidate: Manifest, current: Accepted | None) -> Accepted:
        trust = self.verified()
        now = self._trusted_now(candidate)
        return accept(current, candidate, now=now, sdk_version=__version__, trust=trust).accepted

    def take(self, bundle: Bundle, packed: bytes | None) -> None:
        """Let a bundle from the server decide, after its golden cases have passed here. `packed`: its file, if known.

        Raises:
            BundleRefused: it may not, or its golden cases fail; everything is as before.
        """
        from nearwise_rules import run_cases

        accepted = self._check(bundle.manifest, self._accepted)
        failures = run_cases(Release(bundle, Decision))
        if failures:
            first = failures[0]
            text = f"{len(failures)} golden cases fail, the first: {first.name}: {first.message}"
            raise BundleRefused(Refusal.FAILED_CASES, text)
        self._keep(bundle, packed, accepted)
        self._accepted = accepted
        self._activate(bundle, Source.SERVER)

    def _keep(self, bundle: Bundle, packed: bytes | None, accepted: Accepted) -> None:
        """A disk that refuses does not keep a good bundle from deciding; the next start has the older one."""
        if self._generations is None:
            return
        from nearwise_rules import pack_bundle

        try:
            self._generations.keep(bundle, packed or pack_bundle(bundle.envelope, bundle.entries()))
            self._generations.remember(accepted)
        except OSError as error:
            self._damaged.append(f"version {bundle.manifest.version} is not kept: {error}")

    def _activate(self, bundle: Bundle, source: Source) -> None:
        release = Release(bundle, Decision, self._surround)
        if source is Source.SERVER:  # on a thread of our own, while the bundle before it decides
            self.prepare(release)
        if self.closed:
            return
        decide = cast("Callable[..., Decision]", release.decide)
        decide_many = cast("Callable[..., list[Decision]]", release.decide_many)
        self.active = Active(decide, decide_many, source, release, self._clock())
        self.refused = None
        self.on_change(self.active)

    def _trusted_now(self, manifest: Manifest) -> float:
        return trusted_time(self._accepted, manifest.issued, self._server_date)

    def verified(self) -> Trust:
        """What signatures are verified against.

        Raises:
            BundleRefused: no signing key is pinned, so nothing can be verified.
        """
        if self._trust is None:
            raise BundleRefused(Refusal.UNKNOWN_KEY, "no signing key is pinned")
        return self._trust
