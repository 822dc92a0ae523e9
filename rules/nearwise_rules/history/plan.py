"""What a device records of events: exactly what the bundle's measures, caps and pauses will ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple, cast

from nearwise_rules.history.keys import joined_key, name_part, summed_key, value_text
from nearwise_rules.logic.values import at_path

if TYPE_CHECKING:
    from nearwise_rules.history.ledger import Ledger
    from nearwise_rules.history.measures import Measure

OWN_VALUE = "value"
"""What `of` calls the number that an event itself carries."""

_MOST_KEYS = 64
"""Under so many keys one occurrence is filed for one set of properties, when these are lists."""


class Need(NamedTuple):
    """One thing to record of an event: under which properties, of which number, for whom, with what consent.

    `properties` are sorted dotted paths; none: the event at all. `of`: the path of the number to add up, `value` for
    the event's own, None when occurrences are only counted. `per` is "subject" or "device". `mask`: every purpose in it
    must be granted.
    """

    event: str
    properties: tuple[str, ...] = ()
    of: str | None = None
    per: str = "subject"
    mask: int = 0


class HistoryPlan:
    """The needs of one bundle. Filled while it is made, then only read, from any thread."""

    def __init__(self, needs: Iterable[Need] = ()) -> None:
        self._needs: dict[Need, None] = dict.fromkeys(needs)
        self._events: frozenset[str] | None = None
        self._filings: Mapping[str, list[_Filing]] | None = None
        self._views: dict[tuple[str, int], HistoryPlan] = {}

    @property
    def needs(self) -> tuple[Need, ...]:
        """Everything that is recorded, each once."""
        return tuple(self._needs)

    @property
    def events(self) -> frozenset[str]:
        """The events of which something is recorded."""
        events = self._events
        if events is None:
            events = self._events = frozenset([need.event for need in self._needs])
        return events

    def need(
        self, event: str, properties: Iterable[str] = (), of: str | None = None, *, per: str = "subject", mask: int = 0
    ) -> None:
        """Record this event under these properties, and the number at `of`; see `Need`."""
        self._take(Need(event, tuple(sorted(set(properties))), of, per, mask))

    def serve(self, measure: Measure, mask: int = 0) -> None:
        """Record what a measure asks for, where the purposes in `mask` are granted."""
        for need in measure.needs:
            self._take(need._replace(mask=mask))

    def view(self, per: str, granted: int) -> HistoryPlan:
        """What is recorded for the subject or for the device under a consent."""
        view = self._views.get((per, granted))
        if view is None:
            view = HistoryPlan(need for need in self._needs if need.per == per and not need.mask & ~granted)
            self._views[(per, granted)] = view
        return view

    def record(
        self, ledger: Ledger, event: str, properties: Mapping[str, object], value: float | None, at: float
    ) -> None:
        """Add one occurrence of an event under every key that is needed; nothing for other events.

        `properties` and `value` are as events carry them. Each item of a list is a key of its own. Where a property is
        missing or is no key, the occurrence is not filed under it; where there is no number, it is not added up.
        """
        filings = self._filings
        if filings is None:
            filings = self._filings = _filed(self._needs)
        counted = list[str]()
        for filing in filings.get(event, ()):
            keys = filing.keys(properties)
            if filing.counts:
                counted += keys
            for field in filing.sums if keys else ():
                number = value if field == OWN_VALUE else _at(properties, field)
                if isinstance(number, int | float) and not isinstance(number, bool):
                    ledger.add(event, [summed_key(key, field) for key in keys], at, float(number))
        if counted:
            ledger.add(event, counted, at)

    def _take(self, need: Need) -> None:
        self._needs[need] = None
        self._events = self._filings = None
        self._views = {}


class _Filing:
    """One set of properties of an event: whether occurrences are counted under it, which numbers are added up."""

    __slots__ = ("_names", "counts", "sums")

    def __init__(self, names: tuple[str, ...], fields: Collection[str | None]) -> None:
        self.counts = None in fields
        self.sums = tuple([field for field in fields if field is not None])
        self._names = tuple([(name_part(name), name) for name in names])

    def keys(self, properties: Mapping[str, object]) -> list[str]:
        """The keys of an occurrence with these properties."""
        choices = [[part + text for text in _texts(_at(properties, name))] for part, name in self._names]
        if len(choices) == 1:
            return choices[0][:_MOST_KEYS]
        return [joined_key(pairs) for pairs in islice(product(*choices), _MOST_KEYS)]


def _filed(needs: Iterable[Need]) -> Mapping[str, list[_Filing]]:
    """The filings of each event."""
    fields: dict[tuple[str, tuple[str, ...]], dict[str | None, None]] = {}
    for need in needs:
        fields.setdefault((need.event, need.properties), {})[need.of] = None
    filings: dict[str, list[_Filing]] = {}
    for (event, names), numbers in fields.items():
        filings.setdefault(event, []).append(_Filing(names, numbers))
    return filings


def _at(properties: Mapping[str, object], name: str) -> object:
    """The property of that name, else what lies at that path."""
    if name in properties or "." not in name:
        return properties.get(name)
    return at_path(properties, name.split("."))


def _texts(value: object) -> list[str]:
    """How keys write a value, or each item of a list."""
    values = cast("Iterable[object]", value) if isinstance(value, list | tuple | set | frozenset) else (value,)
    return [text for item in values if (text := value_text(item)) is not None]
