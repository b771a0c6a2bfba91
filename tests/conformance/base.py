"""What every part of a node shares: what it holds, and how it says something."""

from collections import Counter
from typing import Callable, Hashable

from enlace.v1 import link_pb2

import crypto
import wire
from document import NUMBERS, refuse_unless
from feed import Commit, Feed, FeedId, Head
from membership import Membership
from session import CLOSED, OPEN, Session
from view import changes_of, digest, fold


class Base:
    """Time and randomness come from outside, so that a transcript can be played
    to it. What it wants said is put into `outbox` (link, bytes), `published`
    (bytes) and `closing` (link, reason); whoever drives it empties them."""

    packings = 1  # of those that it says it takes
    packs = False  # whatever it serves to who takes it

    def __init__(self, keys: crypto.Keys, charter_file: bytes, random: Callable[[int], bytes]) -> None:
        self.keys = keys
        self.origin = keys.origin
        self.membership = Membership(charter_file)
        self.coalition = self.membership.coalition
        self.random = random
        self.listening = False
        self.feeds: dict[FeedId, Feed] = {}
        self.beacons: dict[bytes, tuple[int, bytes]] = {}  # origin: sequence, SignedBeacon
        self.pulses: dict[bytes, link_pb2.Pulse] = {}  # the newest that continues each of them
        self.gathered: dict[bytes, Optional[Session]] = {}  # whose is to be passed on, and where it came from
        self.gathered_ms = 0
        self.top = b""  # of its own newest beacon's chain
        self.sessions: dict[Hashable, Session] = {}
        self.counters: Counter[str] = Counter()  # refusals, by reason
        self.heard: Counter[str] = Counter()  # link messages, by kind
        self.outbox: list[tuple[Hashable, bytes]] = []
        self.published: list[bytes] = []
        self.closing: list[tuple[Hashable, str]] = []
        self.proofs: list[list[Commit]] = []  # evidence that came
        self.forks: dict[FeedId, tuple[list[Commit], list[Commit]]] = {}  # the other side, ours
        self.headers: dict[FeedId, list[Commit]] = {}  # what headers-only fetches brought
        self.nopes: list[link_pb2.Nope] = []
        self.packed = self.unpacked = 0  # packed runs that went and came
        self.payloads_missing: list[tuple[FeedId, int]] = []  # still to be asked for
        self.payloads_asked: set[tuple[Hashable, FeedId, int]] = set()
        self.fence = ""  # why this node does not write: a reason
        self.now_ms = 0  # wall clock
        self.beacon_due = False
        self.beacon_ms = 0
        self.sequence = 0  # of its own newest beacon
        self.beacon_heard_ms: dict[bytes, int] = {}
        self.late: set[bytes] = set()  # members whose beacons have stopped

    @property
    def card_number(self) -> int:
        return self.membership.newest(self.origin).body.number

    def check_feed(self, feed: FeedId) -> Feed:
        """The feed, made where it may exist and is not there yet."""
        if feed in self.feeds:
            return self.feeds[feed]
        refuse_unless(self.membership.roster.code_of(feed.origin), "unknown-origin")
        refuse_unless(feed.lane <= 1, "not-allowed")
        start = self.membership.epoch_start(feed.origin, feed.epoch)
        refuse_unless(start, "wrong-epoch")
        return self.feeds.setdefault(feed, Feed(feed, start))

    def heads(self) -> list[Head]:
        return [feed.head for _, feed in sorted(self.feeds.items()) if feed.commits]

    def records(self):
        return fold(changes_of(commit for feed in self.feeds.values() for commit in feed.commits))

    def digest_lines(self) -> list[str]:
        """What `enlace digest` prints."""
        roster = self.membership.roster
        heads = sorted((roster.code_of(h.feed.origin), h.feed.epoch, h.feed.lane, h) for h in self.heads())
        lines = [f"{code} {epoch} {lane} {h.number} {h.hash.hex()}" for code, epoch, lane, h in heads]
        return [*lines, "view " + digest(self.records()).hex()]

    def fall(self, reason: str) -> None:
        """The fence: what is written from here on could be a second chain. A fork is worse than a copy."""
        if self.fence != "fork" and self.fence != reason and (reason == "fork" or not self.fence):
            self.fence = reason
            self.counters[reason] += 1

    # ---- saying ----

    def open_sessions(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.state == OPEN]

    def say(self, session: Session, **body) -> None:
        self.outbox.append((session.link, wire.link_message(session.id, **body)))
        session.said_ms = self.now_ms

    def may_ask(self, session: Session) -> bool:
        """32 origins, beacons, payloads and proofs a second: what is asked beyond is counted."""
        since_ms, asked = session.asked if self.now_ms - session.asked[0] < 1000 else (self.now_ms, 0)
        session.asked = (since_ms, asked + 1)
        if asked >= 32:
            self.counters["busy"] += 1
        return asked < 32

    def say_nope(self, session: Session, fetch: int, reason: str, **more) -> None:
        self.say(session, nope=link_pb2.Nope(fetch=fetch, reason=NUMBERS[reason], **more))

    def close(self, session: Session, reason: str, bye: bool = True) -> None:
        """What ends a session is counted under its reason."""
        self.counters[reason] += 1
        if session.state == OPEN and bye:
            self.say(session, bye=link_pb2.Bye(reason=NUMBERS[reason]))
        session.state = CLOSED
        self.sessions.pop(session.link, None)
        self.closing.append((session.link, reason))
