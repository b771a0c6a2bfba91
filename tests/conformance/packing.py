"""Runs packed for the way: one zstd frame each. Docs/protocol.md, section 7."""

from typing import Optional

import zstandard

import wire
from document import refuse_unless

ZSTD = 1  # its bit in `packings`
RATIO_MOST = 8
MAGIC = bytes.fromhex("28b52ffd")
ONE_SEGMENT, CHECKSUM = 0x20, 0x04
SIZE_BYTES = (1, 2, 4, 8)  # of the content's size, by the descriptor's two highest bits


def content_size(frame: bytes) -> Optional[int]:
    """What a header of the only form that may be says; None: it is none such. RFC 8878, 3.1.1."""
    if frame[:4] != MAGIC or len(frame) < 6 or frame[4] & 0x3F & ~CHECKSUM != ONE_SEGMENT:
        return None
    count = SIZE_BYTES[frame[4] >> 6]
    return int.from_bytes(frame[5 : 5 + count], "little") + (256 if count == 2 else 0)


def allowed(before: int, after: int) -> bool:
    return after < before <= min(after * RATIO_MOST, wire.RUN_MOST)


def unpack(frame: bytes, size: int) -> bytes:
    refuse_unless(allowed(size, len(frame)) and content_size(frame) == size, "bad-packing")
    one = zstandard.ZstdDecompressor().decompressobj()
    try:
        data = one.decompress(frame)
    except zstandard.ZstdError:
        data = b""
    refuse_unless(one.eof and not one.unused_data and len(data) == size, "bad-packing")
    return data


def pack(data: bytes) -> Optional[bytes]:
    """None where that may not be."""
    frame = zstandard.ZstdCompressor().compress(data)
    return frame if allowed(len(data), len(frame)) else None
