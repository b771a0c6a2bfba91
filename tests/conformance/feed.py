"""Commits, runs and feeds: docs/protocol.md, sections 3 and 7 ("Applying")."""

from dataclasses import dataclass, field
from typing import Iterable, NamedTuple, Optional

from enlace.v1 import commit_pb2 as pb

import crypto
import wire
from membership import Membership
from document import Refused, refuse_unless

CONTROL, COALITION = 0, 1
RECORD, RETRACT, CONSENT = 1, 2, 3
PRESENT, ERASED, MISSING = 1, 2, 3


class FeedId(NamedTuple):
    origin: bytes
    epoch: int
    lane: int

    @staticmethod
    def of(message: pb.Feed) -> "FeedId":
        return FeedId(message.origin, message.epoch, message.lane)

    def message(self) -> pb.Feed:
        return pb.Feed(origin=self.origin, epoch=self.epoch, lane=self.lane)


class Head(NamedTuple):
    feed: FeedId
    number: int
    hash: bytes

    @staticmethod
    def of(message: pb.Head) -> "Head":
        return Head(FeedId.of(message.feed), message.number, message.hash)

    def message(self) -> pb.Head:
        return pb.Head(feed=self.feed.message(), number=self.number, hash=self.hash)


# ---- one commit ----


@dataclass
class Commit:
    header_bytes: bytes
    header: pb.CommitHeader
    payloads: list[pb.Payload]
    signature: bytes  # empty: none came
    hash: bytes

    @staticmethod
    def read(message: pb.Commit) -> "Commit":
        wire.check(message)
        for payload in message.payloads:
            wire.check_payload(payload)
        header = read_header(message.header)
        payloads = list(message.payloads)
        refuse_unless(len(payloads) >= len(header.changes), "missing-field", "payloads")
        refuse_unless(len(payloads) <= len(header.changes), "too-many", "payloads")
        for change, payload in zip(header.changes, payloads):
            check_commitment(change, payload)
        content = len(message.header) + sum(p.ByteSize() for p in payloads)
        refuse_unless(content <= wire.COMMIT_MOST, "too-big", "Commit")
        return Commit(message.header, header, payloads, message.signature, crypto.commit_hash(message.header))

    @property
    def feed(self) -> FeedId:
        return FeedId(self.header.origin, self.header.epoch, self.header.lane)

    @property
    def first(self) -> int:
        return self.header.first_number

    @property
    def last(self) -> int:
        return self.header.first_number + len(self.header.changes) - 1

    def message(self, headers_only: bool = False) -> pb.Commit:
        payloads = self.payloads
        if headers_only:
            payloads = [pb.Payload(state=MISSING) if p.state == PRESENT else p for p in payloads]
        message = pb.Commit(header=self.header_bytes, payloads=payloads)
        if self.signature:
            message.signature = self.signature
        return message

    def signed_by(self, key: bytes, coalition: bytes) -> bool:
        return crypto.holds(key, crypto.commit_text(coalition, self.hash), self.signature)


def read_header(data: bytes) -> pb.CommitHeader:
    # The version comes first: a header of a newer form is not a bad one.
    newer = wire.Limits(wire.HEADER.size, wire.HEADER.fields, unknown=True)
    header = wire.parse(pb.CommitHeader, data, newer)
    refuse_unless(header.HasField("header_version"), "missing-field", "header_version")
    refuse_unless(header.header_version >= 1, "bad-value", "header_version")
    refuse_unless(header.header_version == 1, "too-new", "header_version")
    header = wire.parse(pb.CommitHeader, data, wire.HEADER)
    wire.refuse_unless_canonical(header, data)
    wire.check(header)
    refuse_unless(header.first_number + len(header.changes) - 1 <= wire.NUMBER, "bad-value", "first_number")
    for change in header.changes:
        target = [change.HasField(f"target_{part}") for part in ("epoch", "lane", "number")]
        refuse_unless(all(target) or not any(target), "missing-field", "target")
        refuse_unless(all(target) or change.type != RETRACT, "missing-field", "target")
    return header


def check_commitment(change: pb.CommitHeader.Change, payload: pb.Payload) -> None:
    if payload.state == PRESENT:
        same = crypto.commitment(payload.salt, payload.body) == change.commitment
        refuse_unless(same, "bad-commitment")


# ---- a run ----


def read_run(data: bytes) -> tuple[FeedId, list[Commit]]:
    return run_of(wire.parse(pb.Run, data, wire.RUN))


def run_of(message: pb.Run) -> tuple[FeedId, list[Commit]]:
    wire.check(message)
    feed = FeedId.of(message.feed)
    commits = []
    for one in message.commits:
        commit = Commit.read(one)
        refuse_unless(commit.feed == feed, "bad-value", "header")
        commits.append(commit)
    return feed, commits


def run_message(commits: Iterable[Commit], headers_only: bool = False) -> pb.Run:
    commits = list(commits)
    return pb.Run(feed=commits[0].feed.message(), commits=[commit.message(headers_only) for commit in commits])


# ---- a feed ----


@dataclass
class Feed:
    id: FeedId
    start: bytes  # hash of the card that started the epoch
    commits: list[Commit] = field(default_factory=list)
    stopped: bool = False  # its origin signed two chains

    @property
    def head(self) -> Head:
        if not self.commits:
            return Head(self.id, 0, self.start)
        return Head(self.id, self.commits[-1].last, self.commits[-1].hash)

    def ending_at(self, number: int) -> Optional[Commit]:
        return next((commit for commit in self.commits if commit.last == number), None)

    def holding(self, number: int) -> Optional[tuple[Commit, int]]:
        """The commit with this change, and its place in it."""
        for commit in self.commits:
            if commit.first <= number <= commit.last:
                return commit, number - commit.first
        return None

    def contradicted_by(self, commits: list[Commit]) -> list[Commit]:
        """The part of a run that cannot stand beside what is held, from where they part."""
        held = {commit.last: commit.hash for commit in self.commits}
        for place, commit in enumerate(commits):
            if commit.first <= self.head.number and held.get(commit.last) != commit.hash:
                return commits[place:]
            follows = self.commits and commit.first == self.head.number + 1
            if follows and commit.header.previous != self.head.hash:
                return commits[place:]
        return []

    def check_contradiction(self, commits: list[Commit], membership: Membership) -> str:
        """What it is (`diverged`, or `contested` under a key that was replaced), if it is the origin's
        doing: refuses it (`broken-chain`) unless its signature speaks for all of it."""
        for before, commit in zip(commits, commits[1:]):
            linked = commit.first == before.last + 1 and commit.header.previous == before.hash
            refuse_unless(linked, "broken-chain")
        last = commits[-1]
        number = last.header.card_number
        reach = membership.reach_of(number, *self.id)
        decided = reach <= self.head.number
        if decided and commits[0].first <= reach and membership.is_replaced(number, *self.id[:2]):
            pass  # its owner has decided; who took the other side waits for a new epoch
        else:
            membership.check_reaches(*self.id, number, last.last, last.hash)
            refuse_unless(not decided, "beyond-cut")
        key = membership.signing_key(self.id.origin, number)
        refuse_unless(last.signature and last.signed_by(key, membership.coalition), "broken-chain")
        return "contested" if decided else "diverged"

    def check_next(self, commits: list[Commit], membership: Membership) -> list[Commit]:
        """What of a run may be appended, in the order of docs/protocol.md, "Applying":
        all of it, or what lies before a cut, where that ends in a signature or at the cut."""
        head, time_ms = self.head, self.commits[-1].header.time_ms if self.commits else 0
        number, hash_ = head.number, head.hash
        for place, commit in enumerate(commits):
            refuse_unless(commit.first == number + 1, "out-of-order")
            refuse_unless(commit.header.previous == hash_, "broken-chain")
            refuse_unless(commit.header.time_ms >= time_ms, "time-backwards")
            card = commit.header.card_number
            try:
                membership.check_reaches(*self.id, card, commit.last, commit.hash)
            except Refused as refused:
                before = self._before_cut(commits[:place], membership) if refused.reason == "beyond-cut" else []
                if not before:
                    raise
                commits = before
                break
            number, hash_, time_ms = commit.last, commit.hash, commit.header.time_ms
        if not self._is_at_cut(commits[-1], membership):
            self._check_signature(commits[-1], membership)
        return commits

    def _before_cut(self, commits: list[Commit], membership: Membership) -> list[Commit]:
        while commits and not commits[-1].signature and not self._is_at_cut(commits[-1], membership):
            commits = commits[:-1]
        return commits

    def _is_at_cut(self, commit: Commit, membership: Membership) -> bool:
        return _is_cut(commit, membership.cut_of_key(commit.header.card_number, *self.id))

    def _check_signature(self, commit: Commit, membership: Membership) -> None:
        refuse_unless(commit.signature, "unsigned")
        key = membership.signing_key(self.id.origin, commit.header.card_number)
        refuse_unless(commit.signed_by(key, membership.coalition), "bad-signature")

    def append(self, commits: list[Commit]) -> None:
        """Takes a checked run. Only the signature that was verified is kept."""
        for commit in commits[:-1]:
            commit.signature = b""
        for commit in commits:
            # Only the owner erases, by a change of its own: what a relay says is "missing".
            commit.payloads = [pb.Payload(state=MISSING) if p.state == ERASED else p for p in commit.payloads]
        self.commits += commits

    def run_after(self, number: int, cut=None) -> list[Commit]:
        """What is served next: up to 32 commits and 1 MiB, ending at a verified signature or at the cut."""
        size, run, end = 64, [], 0
        for commit in self.commits:
            if commit.first <= number:
                continue
            size += commit.message().ByteSize() + 8
            beyond = cut is not None and commit.last > cut.number
            if len(run) == wire.RUN_COMMITS_MOST or size > wire.RUN_MOST or beyond:
                break
            run.append(commit)
            if commit.signature or _is_cut(commit, cut):
                end = len(run)
        return run[:end]


def _is_cut(commit: Commit, cut) -> bool:
    """The cut's own signature, the root's or the roster's, vouches for what ends there."""
    return cut is not None and (commit.last, commit.hash) == (cut.number, cut.hash)


# ---- authoring ----


@dataclass
class Draft:
    type: int
    body: bytes
    salt: bytes
    target: Optional[tuple[int, int, int]] = None  # epoch, lane, number


def make_commit(feed: Feed, drafts: list[Draft], keys: crypto.Keys, coalition: bytes, card: int, time_ms: int) -> Commit:
    """The commit that comes next in a feed of one's own, signed; not appended."""
    return make_commit_after(feed.head, drafts, keys, coalition, card, time_ms)


def make_commit_after(head: Head, drafts: list[Draft], keys: crypto.Keys, coalition: bytes, card: int, time_ms: int) -> Commit:
    changes, payloads = [], []
    for draft in drafts:
        change = pb.CommitHeader.Change(
            type=draft.type, min_reader=1, commitment=crypto.commitment(draft.salt, draft.body)
        )
        if draft.target:
            change.target_epoch, change.target_lane, change.target_number = draft.target
        changes.append(change)
        payloads.append(pb.Payload(state=PRESENT, salt=draft.salt, body=draft.body))
    header = pb.CommitHeader(
        header_version=1,
        origin=head.feed.origin,
        epoch=head.feed.epoch,
        lane=head.feed.lane,
        first_number=head.number + 1,
        previous=head.hash,
        time_ms=time_ms,
        card_number=card,
        changes=changes,
    ).SerializeToString()
    signature = crypto.sign(keys.signing, crypto.commit_text(coalition, crypto.commit_hash(header)))
    return Commit.read(pb.Commit(header=header, payloads=payloads, signature=signature))
