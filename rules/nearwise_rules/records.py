"""Frozen values that cost nothing to import: a dataclass takes about a millisecond of a device's start each."""

from __future__ import annotations

from typing import NoReturn


class Record:
    """A value whose fields are its slots: fixed once made, equal by content, shown with its fields.

    A subclass names its fields in `__slots__` and gives their values to `_fix` by name.
    """

    __slots__: tuple[str, ...] = ()

    def _fix(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def _fields(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__slots__])

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __reduce__(self) -> tuple[object, ...]:
        return _remade, (type(self), self._fields())

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={value!r}" for name, value in zip(self.__slots__, self._fields(), strict=True)])
        return f"{type(self).__name__}({fields})"


def _remade(kind: type[Record], fields: tuple[object, ...]) -> Record:
    record = object.__new__(kind)
    for name, value in zip(kind.__slots__, fields, strict=True):
        object.__setattr__(record, name, value)
    return record
