"""The seam to the msgpack library: typed, bounded, imported when used (5 ms), its errors turned into ValueError."""

# msgpack carries no type information.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any, cast


def pack(value: object) -> bytes:
    """Encode a value; members of maps keep their order, so equal values built alike give equal bytes."""
    import msgpack

    return cast("bytes", msgpack.packb(value))


def unpack(data: bytes) -> object:
    """Decode one value that fills `data`; no part of it can ask for more memory than `data` is long.

    Raises:
        ValueError: it is not one MessagePack value, has an extension type, or text that is not UTF-8.
    """
    import msgpack

    try:
        return cast("object", msgpack.unpackb(data, max_ext_len=0))
    except (TypeError, msgpack.UnpackException) as error:
        raise ValueError("not MessagePack") from error


class Reader:
    """Reads a buffer part by part, so that headers can be checked before what they announce is decoded.

    Values may be numbers, text of up to 256 bytes and byte strings; arrays and maps are entered by their headers.
    """

    def __init__(self, data: bytes) -> None:
        import msgpack

        size = len(data)
        self._unpacker: Any = msgpack.Unpacker(
            max_buffer_size=size, max_str_len=256, max_bin_len=size, max_array_len=0, max_map_len=0, max_ext_len=0
        )
        self._unpacker.feed(data)
        self._errors = (TypeError, msgpack.UnpackException)

    @property
    def place(self) -> int:
        """How many bytes have been read."""
        return cast("int", self._unpacker.tell())

    def map_header(self) -> int:
        """Enter a map: how many members follow.

        Raises:
            ValueError: there is no map.
        """
        return cast("int", self._read("read_map_header"))

    def array_header(self) -> int:
        """Enter an array: how many values follow.

        Raises:
            ValueError: there is no array.
        """
        return cast("int", self._read("read_array_header"))

    def value(self) -> object:
        """The next value.

        Raises:
            ValueError: there is none, or none that may be here.
        """
        return self._read("unpack")

    def _read(self, method: str) -> object:
        try:
            return cast("object", getattr(self._unpacker, method)())
        except self._errors as error:
            raise ValueError("not MessagePack") from error
