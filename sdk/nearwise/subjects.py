"""Subjects on a device: who they are, what they consent to, when a session ends, and how they are forgotten.

Whatever else keeps something of subjects (history, traits, triggers) is added as a `Holding`: here all of it is erased
together, with the events that wait to be sent.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from nearwise.consent import STORE, Consent, ConsentStore
from nearwise.errors import EventRefused, StorageFailed
from nearwise.events import encode_event
from nearwise.gate import Gate, about
from nearwise_rules import ANONYMOUS, DEVICE, PURPOSES, owner_of, purposes_mask

if TYPE_CHECKING:
    from nearwise.consent_file import Said
    from nearwise.erasures import Erasure, ErasureJournal
    from nearwise.outbox.sealing import Outbox
    from nearwise.settings import Settings
    from nearwise.tokens import Tokens

_PROFILE, _SHARE = purposes_mask(["profile"]), purposes_mask(["share"])
_LONGEST_TEXT = 1024


def _no_session() -> None: ...


def _no_join(_owner: str) -> None: ...


class Holding(NamedTuple):
    """Something that a device keeps of subjects beside their consent and their events."""

    name: str
    mask: int
    """The purposes under which it is kept: when one of them is withdrawn, it goes."""
    forget: Callable[[str], int]
    """Erases everything of a subject, in files to the last byte; how much it was. Raises OSError or StorageFailed."""
    end_session: Callable[[], None] = _no_session
    """Forgets what was known of the customer in front of the device."""
    join: Callable[[str], None] = _no_join
    """What was known of someone unnamed becomes this subject's."""


class Subjects:
    """One for each client. Any thread may call; changes wait for each other, decisions for nothing."""

    def __init__(self, folder: str | None, settings: Settings, outbox: Callable[[], Outbox]) -> None:
        """`folder` is the storage folder; without one everything ends with the process."""
        self.consents = ConsentStore(None if folder is None else os.path.join(folder, "consents"))
        self.gate = Gate(self.consents)
        self.tokens = None if settings.subject_key is None else _tokens(settings.subject_key)
        self._journal_path = None if folder is None else os.path.join(folder, "erasures.json")
        self._journal: ErasureJournal | None = None
        self.here: Callable[[str], None] = _no_join
        """Told of each subject who signs in or consents."""
        self._holdings: list[Holding] = []
        self._clock = settings.clock
        self._outbox = outbox
        self._changing = RLock()
        self._is_settled = False
        self._begin_session()

    def _begin_session(self) -> None:
        self._session = os.urandom(8).hex()
        self._session_since = self._clock()

    @property
    def journal(self) -> ErasureJournal:
        """The erasures of this device."""
        if self._journal is None:
            from nearwise.erasures import ErasureJournal

            with self._changing:
                self._journal = self._journal or ErasureJournal(self._journal_path)
        return self._journal

    def hold(self, holding: Holding) -> None:
        """From now on this is erased too."""
        self._holdings.append(holding)

    def consented(self, subject: object) -> Consent:
        """What a subject consents to."""
        return self.consents.consent(self._owner(subject))

    def consent(self, subject: object, purposes: Mapping[str, bool], policy: str | None, gpc: bool) -> Consent:
        """Let a subject consent; see `Client.consent`."""
        owner, yes, no = self._owner(subject), _mask(purposes, True), _mask(purposes, False)
        if policy is not None and not 0 < len(policy) <= _LONGEST_TEXT:
            raise EventRefused(f"a policy is a text of 1 to {_LONGEST_TEXT} characters")
        terms = self.gate.terms
        if gpc and (terms is None or terms.honours_gpc):
            yes, no = yes & ~_SHARE, no | _SHARE
        with self._changing, _disk():
            before, last = self.consents.granted(owner), self.consents.said(owner)
            said = last._replace(
                granted=(last.granted | yes) & ~no,
                denied=(last.denied | no) & ~yes,
                policy=policy or (None if terms is None else terms.policy) or last.policy,
                at=self._clock(),
                gpc=gpc,
            )
            after = (self.consents.base | said.granted) & ~said.denied
            said = said._replace(undone=last.undone | before & ~after)
            settled, self._is_settled = self._is_settled, False
            self.consents.keep(owner, said)
            self._settle(owner, said)
            self._is_settled = settled
        self.here(owner)
        return self.consents.consent(owner)

    def _settle(self, owner: str, said: Said) -> None:
        """Erase what was kept under withdrawn purposes, and report what holds now."""
        outbox = self._outbox()
        if said.undone:
            for holding in self._holdings:
                if holding.mask & said.undone:
                    holding.forget(owner)
            outbox.redact(self.gate.withdrawn(owner, said.undone, self._session_since))
        event = {
            "type": "consent",
            "at": self._now_ms(),
            "subject": None if owner == ANONYMOUS else owner,
            "granted": self.consents.granted(owner),
            "policy": said.policy,
            "gpc": said.gpc or None,
        }
        outbox.append(encode_event(event), critical=True)
        if said.undone:
            self.consents.keep(owner, said._replace(undone=0))

    def forget(self, subject: object) -> Erasure:
        """Forget a subject; see `Client.forget`."""
        from nearwise.erasures import Erasure
        from nearwise_rules import erasure_digest

        owner = self._named(subject, "forget")
        erasure = Erasure(id=os.urandom(16).hex(), at=self._clock(), digest=erasure_digest(owner))
        with self._changing, _disk():
            settled, self._is_settled = self._is_settled, False
            self.journal.begin(erasure, owner)
            finished = self._erase(erasure, owner, str(subject))
            self._is_settled = settled
        return finished

    def _erase(self, erasure: Erasure, owner: str, *texts: str) -> Erasure:
        erased = {"consents": self.consents.forget(owner)}
        for holding in self._holdings:
            erased[holding.name] = holding.forget(owner)
        outbox = self._outbox()
        erased["events"] = outbox.redact(about(owner, *texts))
        event = {"type": "erasure", "at": int(erasure.at * 1000), "id": erasure.id, "digest": erasure.digest}
        outbox.append(encode_event(event), critical=True)
        finished = erasure._replace(erased=erased)
        self.journal.finish(finished)
        return finished

    def resume(self) -> None:
        """Carry out what a disk or the end of an earlier process has interrupted. Nothing is sent before that.

        Raises:
            StorageFailed: the disk refused; call again.
        """
        if self._is_settled:
            return
        with self._changing, _disk():
            for erasure, owner in self.journal.begun():
                self._erase(erasure, owner)
            for owner in self.consents.unfinished():
                self._settle(owner, self.consents.said(owner))
            self._is_settled = True

    def next_customer(self) -> None:
        """Forget the customer in front of the device; see `Client.next_customer`."""
        with self._changing:
            self.consents.end_session()
            for holding in self._holdings:
                holding.end_session()
            if self.tokens is not None:
                self.tokens.forget()
            self._begin_session()

    def sign_in(self, subject: object, join: bool) -> bool:
        """Let someone unnamed become a subject; see `Client.sign_in`."""
        owner, terms = self._named(subject, "sign_in"), self.gate.terms
        self.here(owner)
        policy = "consented" if terms is None else terms.join
        with self._changing, _disk():
            consented = policy == "always" or (policy == "consented" and self.consents.granted(owner) & _PROFILE)
            if not (join and consented):
                return False
            for holding in self._holdings:
                holding.join(owner)
            event = {"type": "join", "at": self._now_ms(), "subject": owner, "anonymous": self._session}
            self._outbox().append(encode_event(event))
        return True

    def persists(self, owner: str) -> bool:
        """Whether what is remembered of an owner may be on the disk: he grants `store`, or is the device itself."""
        return owner == DEVICE or (owner != ANONYMOUS and bool(self.consents.granted(owner) & STORE))

    def leave_to_parent(self) -> None:
        """For a forked child: what is known stays, the files are the parent's."""
        self._changing = RLock()
        self.gate.leave_to_parent()
        self.consents.leave_to_parent()
        self._journal = self._journal_path = None

    def _owner(self, subject: object) -> str:
        """Under which key things of a subject are kept.

        Raises:
            EventRefused: it can be nobody's id.
        """
        owner = owner_of(subject if self.tokens is None else self.tokens.of(subject))
        if owner == ANONYMOUS and subject is not None:
            raise EventRefused(f"{subject!r:.100} is no id of a subject: a text or a whole number")
        if len(owner) > _LONGEST_TEXT:
            raise EventRefused(f"the id of a subject has at most {_LONGEST_TEXT} characters")
        return owner

    def _named(self, subject: object, call: str) -> str:
        owner = self._owner(subject)
        if owner == ANONYMOUS:
            raise EventRefused(f"{call} needs the id of a subject")
        return owner

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _tokens(key: bytes) -> Tokens:
    from nearwise.tokens import Tokens

    return Tokens(key)


def _mask(purposes: Mapping[str, bool], wanted: bool) -> int:
    if not isinstance(purposes, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise EventRefused(f"purposes are a mapping such as {{'measure': True}}, not {purposes!r:.100}")
    for name, granted in purposes.items():
        if name not in PURPOSES:
            from nearwise_rules import did_you_mean

            raise EventRefused(f"unknown purpose {name!r}{did_you_mean(name, PURPOSES)}")
        if not isinstance(granted, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise EventRefused(f"the purpose {name!r} is granted with True or denied with False, not {granted!r:.100}")
    return purposes_mask(name for name, granted in purposes.items() if granted is wanted)


@contextmanager
def _disk() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"the disk failed: {error}") from error
