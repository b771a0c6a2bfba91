"""One link session's own state: who, which nonces, what credit, which fetches.

Docs/protocol.md, sections 6 and 7. What a message does to the node is in node.py.
"""

from dataclasses import dataclass, field
from typing import Hashable, Optional

from enlace.v1 import link_pb2

import wire
from feed import FeedId
from document import refuse_unless

CREDIT_FIRST = 8 * wire.KIB
CREDIT_MOST = 4 * wire.KIB * wire.KIB
CREDIT_SECONDS = 4
GREETING, OPEN, CLOSED = "greeting", "open", "closed"


def cost(part_bytes: int) -> int:
    return max(1024, part_bytes + 128)


class Granted:
    """Credit given to the peer for runs that it sends."""

    def __init__(self) -> None:
        self.limit = self.window = CREDIT_FIRST
        self.limit_ended = CREDIT_FIRST  # limit when a fetch was last told to end
        self.used = 0
        self._renewed_at, self._renewed_used = 0, 0

    def charge(self, part_bytes: int, now_ms: int) -> bool:
        """True where more has been granted and has to be said."""
        self.used += cost(part_bytes)
        refuse_unless(self.used <= self.limit, "over-credit")
        if self.limit - self.used > self.window // 2:
            return False
        elapsed_ms = max(now_ms - self._renewed_at, 1)
        rate = (self.used - self._renewed_used) * 1000 // elapsed_ms
        self.window = max(CREDIT_FIRST, min(rate * CREDIT_SECONDS, 2 * self.window, CREDIT_MOST))
        self._renewed_at, self._renewed_used = now_ms, self.used
        self.limit = self.used + self.window
        return True


class Allowed:
    """Credit that the peer has given, for runs sent to it."""

    def __init__(self) -> None:
        self.limit, self.used = CREDIT_FIRST, 0

    def raise_to(self, limit: int) -> None:
        self.limit = max(self.limit, limit)

    def charge(self, part_bytes: int) -> None:
        self.used += cost(part_bytes)

    @property
    def piece(self) -> int:
        """How many bytes the next part may have; 0: none now. Small ones while little is granted."""
        left = self.limit - self.used
        most = wire.PART_MOST if left >= 64 * wire.KIB else 4 * wire.KIB
        return min(most, left - 128) if left >= 1024 else 0


@dataclass
class Following:
    """A fetch that this side opened."""

    fetch: int
    feed: FeedId
    standing: bool
    headers_only: bool = False
    caught_up: bool = False  # the peer has said `end`
    progress_ms: int = 0


@dataclass
class Serving:
    """A fetch that the peer opened."""

    fetch: int
    feed: FeedId
    after: int
    standing: bool
    headers_only: bool
    told_end: bool = False  # nothing after `after` is held, and the peer knows


@dataclass
class Sending:
    """A run on its way out: one at a time in a session."""

    serving: Serving
    data: bytes
    end: bool
    last_number: int
    sent: int = 0
    index: int = 0
    unpacked: int = 0  # where data is packed

    def next_part(self, most: int) -> link_pb2.RunPart:
        piece = self.data[self.sent : self.sent + most]
        part = link_pb2.RunPart(fetch=self.serving.fetch, index=self.index, bytes=piece)
        if self.unpacked and not self.index:
            part.unpacked = self.unpacked
        self.sent += len(piece)
        self.index += 1
        if self.done:
            part.last = True
            if self.end:
                part.end = True
        return part

    @property
    def done(self) -> bool:
        return self.sent == len(self.data)


class Assembly:
    """The parts of one run, put together."""

    def __init__(self) -> None:
        self.fetch, self.next_index, self.data = 0, 0, b""
        self.unpacked = 0  # where they come packed: into how many bytes

    def add(self, part: link_pb2.RunPart) -> Optional[bytes]:
        """The whole run's bytes once its last part came."""
        if part.index == 0:
            self.fetch, self.next_index, self.data = part.fetch, 0, b""
            self.unpacked = part.unpacked
        refuse_unless(not part.index or not part.unpacked, "bad-parts")
        refuse_unless((part.fetch, part.index) == (self.fetch, self.next_index), "bad-parts")
        self.next_index += 1
        self.data += part.bytes
        refuse_unless(len(self.data) <= wire.RUN_MOST + wire.COMMIT_MOST, "too-big")
        refuse_unless(not self.unpacked or len(self.data) <= self.unpacked, "bad-packing")
        if not part.last:
            return None
        whole, self.fetch, self.data = self.data, 0, b""
        return whole


@dataclass
class Session:
    link: Hashable  # the transport's name for it
    dialled: bool  # by this side
    nonce: bytes
    key: bytes  # transport key that CURVE has authenticated
    state: str = GREETING
    id: bytes = b""
    peer: bytes = b""  # its origin
    packings: int = 0  # how it takes packed runs
    granted: Granted = field(default_factory=Granted)
    allowed: Allowed = field(default_factory=Allowed)
    following: dict[int, Following] = field(default_factory=dict)
    serving: dict[int, Serving] = field(default_factory=dict)
    sending: Optional[Sending] = None
    assembly: Assembly = field(default_factory=Assembly)
    last_fetch: int = 0
    asked: tuple[int, int] = (0, 0)  # since when, how often, the peer has asked for single things
    wanted_ms: int = 0  # when it was asked for beacons last
    heard_ms: int = 0
    said_ms: int = 0
    pinged: bool = False  # a Ping is out
    told_roster: int = 0  # the version that the greeting told of
    took_cards: bool = False
    greeted: bool = False  # its first Heads has come
    heads: dict[FeedId, int] = field(default_factory=dict)  # what the peer says that it holds
    owed: set[FeedId] = field(default_factory=set)  # taken, not yet acknowledged
    proof_asked: set[FeedId] = field(default_factory=set)

    def next_fetch(self) -> int:
        self.last_fetch += 1
        return self.last_fetch

    def follows(self, feed: FeedId) -> bool:
        return any(f.feed == feed and not f.headers_only for f in self.following.values())

    def serves(self, feed: FeedId) -> bool:
        """Whether a standing fetch tells the peer of this feed anyway."""
        return any(s.feed == feed and s.standing for s in self.serving.values())
