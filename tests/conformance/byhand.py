"""Bytes made by hand, and messages changed in one place: what hostile vectors
are made of. Bytes in vectors are hex, or a list of hex and [hex, times]."""

import re
from typing import Union

Pieces = Union[bytes, list]

# ---- bytes by hand ----


def varint(value: int, pad: int = 0) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    for _ in range(pad):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def number(tag: int, value: int, pad: int = 0) -> bytes:
    return varint(tag << 3) + varint(value, pad)


def inner(tag: int, data: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(data)) + data


def hexed(data: Pieces):
    """As it stands in JSON: hex, or pieces where a piece comes many times over."""
    pieces = [data] if isinstance(data, bytes) else data
    split = [part for piece in pieces for part in (_split(piece) if isinstance(piece, bytes) else [piece])]
    shown = [piece.hex() if isinstance(piece, bytes) else [piece[0].hex(), piece[1]] for piece in split]
    return shown[0] if len(shown) == 1 and isinstance(shown[0], str) else shown


def _split(data: bytes) -> list:
    """Taken apart where one byte stands 64 times or more in a row."""
    parts, at = [], 0
    for match in re.finditer(rb"(.)\1{63,}", data, re.S):
        parts += [data[at : match.start()], (match[1], match.end() - match.start())]
        at = match.end()
    return [part for part in (*parts, data[at:]) if part] or [b""]


def case(kind: str, title: str, data: Pieces, reason, **more) -> dict:
    return {"type": kind, "name": title, **more, "bytes": hexed(data), "reason": reason}


def without(message, field: str):
    """A copy without one field: `feed.origin` goes inside."""
    copy = type(message)()
    copy.CopyFrom(message)
    at = copy
    *path, last = field.split(".")
    for step in path:
        at = getattr(at, step)
    at.ClearField(last)
    return copy


def having(message, **fields):
    copy = type(message)()
    copy.CopyFrom(message)
    for name, value in fields.items():
        at, (*path, last) = copy, name.split("__")
        for step in path:
            at = getattr(at, step)
        setattr(at, last, value)
    return copy
