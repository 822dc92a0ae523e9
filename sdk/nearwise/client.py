"""The client: everything an app opens, asks and closes. Building it touches no network and waits for nothing."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Mapping
from types import NoneType
from typing import TYPE_CHECKING, cast

from nearwise.context import Context
from nearwise.engine import Engine
from nearwise.errors import SettingsInvalid
from nearwise.keys import pinned_trust, split_key
from nearwise.place import Place, check_place
from nearwise.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from nearwise.collectors import Collector
    from nearwise.consent import Consent
    from nearwise.erasures import Erasure
    from nearwise.status import Status
    from nearwise.transport import Transport
    from nearwise_rules import Action

_open_clients: set[Client] = set()


class Client:
    """Decides on this device and brings its events home.

    Args:
        url: the server's address, or a `Transport`; None works without a server.
        key: the device key. Its last part pins the signing key of the server.
        storage: a folder of this process's own for bundles and events; None keeps both in memory.
        seed: a bundle file shipped with the app, for a first start without a network.
        trust: the public signing key, when the key does not carry it.
        settings: how it behaves.

    Raises:
        SettingsInvalid: an argument that cannot work.
        StorageBusy: another client has the storage folder.
    """

    def __init__(
        self,
        url: str | Transport | None = None,
        *,
        key: str | None = None,
        storage: str | os.PathLike[str] | None = None,
        seed: str | os.PathLike[str] | None = None,
        trust: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings = settings or Settings()
        api_key, pinned = split_key(key)
        verified = pinned_trust(trust or pinned, settings)
        if verified is None and (url is not None or seed is not None):
            raise SettingsInvalid("no signing key: pass a key of scope device, which carries it, or trust=")
        place = Place(
            url=url,
            api_key=api_key,
            storage=None if storage is None else os.fspath(storage),
            seed=None if seed is None else os.fspath(seed),
            trust=verified,
        )
        check_place(place)
        self._engine = Engine(place, settings)
        self._desk = self._engine.desk
        self._tokens = self._engine.subjects.tokens
        _open_clients.add(self)

    def context(
        self, subject: object = None, attributes: Mapping[str, object] | None = None, /, **values: object
    ) -> Context:
        """What is known at one visit: who it is, and attributes by name or as a mapping, or both.

        `context("h-1042", basket={...})`, `context(subject="h-1042", basket={...})`, `context("h-1042", {...})` and
        `context({"subject": "h-1042", ...})` say the same. A mapping is not copied: leave it as it is. An empty text is
        nobody, as None is.
        """
        if attributes is None and subject.__class__ not in (str, NoneType) and isinstance(subject, Mapping):
            attributes = cast("Mapping[str, object]", subject)
            subject = attributes.get("subject")
        if values:
            subject = values.pop("subject", subject)
            attributes = {**attributes, **values} if attributes else values
        if subject.__class__ is str and not subject:
            subject = None
        tokens = self._tokens
        if tokens is not None:
            subject, attributes = tokens.of(subject), tokens.put_into(attributes or {})
        return Context((self._desk, subject, {} if attributes is None else attributes))

    def consent(
        self,
        subject: object,
        purposes: Mapping[str, bool] | None = None,
        *,
        policy: str | None = None,
        gpc: bool = False,
    ) -> Consent:
        """Let a subject grant purposes (True) or deny them (False), and tell what holds.

        It holds from the next decision on. It is on the disk when this returns, and so is the event that reports it.
        What was kept under a purpose that is withdrawn is erased by then, also among the events that wait to be sent.
        Purposes that are not named stay as they are; without `purposes` this only asks. Someone unnamed (None) is
        remembered until `next_customer`.

        Args:
            subject: who consents.
            purposes: `store`, `contextual`, `profile`, `personalise`, `measure`, `analyse`, `train`, `share`.
            policy: the text that he agrees to; that of the rule set when None.
            gpc: his browser sends Global Privacy Control: `share` is denied, whatever else is said.

        Raises:
            EventRefused: an unknown purpose, or what can be no subject.
            StorageFailed: the disk refused: what is withdrawn holds until the process ends, nothing is granted.
            ClientClosed: the client was closed.
        """
        subjects = self._engine.opened
        return subjects.consented(subject) if purposes is None else subjects.consent(subject, purposes, policy, gpc)

    def sign_in(self, subject: object, *, join: bool = True) -> bool:
        """Someone unnamed turns out to be this subject; whether what is remembered of him is the subject's now.

        The rule set says when: `anonymous: { join: never | consented | always }`. With `join=False` never.
        The centre is asked for his traits meanwhile; until it answers, those that the disk still has count.

        Raises:
            EventRefused: what can be no subject.
            StorageFailed: the disk refused.
            ClientClosed: the client was closed.
        """
        return self._engine.opened.sign_in(subject, join)

    def next_customer(self) -> None:
        """Somebody else stands before the device: forget what was known of the one before, unless it is his by name.

        That is what is remembered of someone unnamed, his triggers, consent given and signals set for the session only.

        Raises:
            StorageFailed: the disk refused: a trigger of his may still be on it.
        """
        self._engine.subjects.next_customer()

    def forget(self, subject: object) -> Erasure:
        """Erase a subject from this device, and have the server do the same.

        When this returns, no file of the storage folder holds a byte of him: not his history, consent or traits, not
        the events that were to be sent. The server is told by an event that names nobody; its receipt is in `erasures`.

        Raises:
            EventRefused: what can be no subject.
            StorageFailed: the disk refused: the rest is erased with the next start, or when this is called again.
            ClientClosed: the client was closed.
        """
        return self._engine.opened.forget(subject)

    def erasures(self) -> tuple[Erasure, ...]:
        """Every erasure asked for on this device, the oldest first, with the server's receipts as far as they came."""
        return self._engine.subjects.journal.erasures()

    def signal(self, name: str, value: object, *, expires_seconds: float | None = None, session: bool = False) -> None:
        """Say what the app noticed: rules read it as the attribute of this name with `source: signal`.

        The newest value counts. It is kept in memory, takes the place of nothing that a context says, and is missing
        after `expires_seconds`; None as the value takes it away at once.

        Args:
            name: that of the attribute.
            value: what rules read; leave it as it is.
            expires_seconds: how long it holds; None: until it is said anew.
            session: it is about the customer in front of the device, and leaves with him at `next_customer`.

        Raises:
            SignalRefused: a name or an expiry that cannot be, or too many names.
        """
        self._engine.noticed.signals.set(name, value, expires_seconds, session=session)

    def collect(self, name: str, collector: Collector, *, every_seconds: float) -> None:
        """Ask a function of the app for a signal again and again, on the thread that sends.

        It may take the place of what the SDK collects under this name. The signal is missing after it returned None,
        raised (told in `status.uncollected`), or was not asked for twice `every_seconds`. Until it returns no event is
        sent: what takes longer than a second is told too, and belongs on a thread of the app that calls `signal`.

        Raises:
            SignalRefused: a name or a time that cannot be, or too many collectors.
            ClientClosed: the client was closed.
        """
        self._engine.noticed.collectors.add(name, collector, every_seconds)

    @property
    def status(self) -> Status:
        """How this client fares at this moment."""
        from nearwise.status import status_of

        return status_of(self._engine)

    def on_action(self, callback: Callable[[Action], object] | None) -> None:
        """Hand the actions of triggers to this from now on, one after the other on a thread of their own.

        Also those that an earlier run left. Each comes once; what the callback raises is told by `status.triggers`.
        """
        self._engine.triggers.on_action(callback)

    def actions(self) -> list[Action]:
        """The actions of triggers that are due and that nobody has yet, oldest first; each is handed out once."""
        return self._engine.triggers.actions()

    def ready(self, timeout_seconds: float = 0.0) -> bool:
        """Whether a bundle decides; waits for the first one at most this long."""
        shelf, worker = self._engine.shelf, self._engine.worker
        if worker is None:
            return shelf.bundle is not None
        return worker.wait_until(lambda: shelf.bundle is not None, timeout_seconds)

    def flush(self, timeout_seconds: float = 10.0) -> int:
        """Send everything now, waiting at most this long; how many events are left. Without a server: sync them."""
        return self._engine.flush(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Send what can be sent within the time (`Settings.close_seconds`), sync the rest, and give everything back.

        Decisions give the default afterwards; what was not sent waits in the storage folder. Closing twice is allowed.
        """
        self._engine.close(self._settings.close_seconds if timeout_seconds is None else timeout_seconds)
        _open_clients.discard(self)

    def leave_to_parent(self) -> None:
        """For a forked child: the folder stays with the parent; this copy keeps events in memory and sends them."""
        self._engine.leave_to_parent()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _close_all() -> None:
    for client in list(_open_clients):
        client.close()


def _fork_all() -> None:
    for client in list(_open_clients):
        client.leave_to_parent()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fork_all)
