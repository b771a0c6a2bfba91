"""The fold and the digest: docs/protocol.md, section 8. Headers are all it takes."""

from dataclasses import dataclass
from typing import Iterable, Optional

import crypto
from feed import CONTROL, COALITION, RECORD, RETRACT, Commit

STANDING, RETRACTED = 1, 2


@dataclass(frozen=True)
class Change:
    origin: bytes
    epoch: int
    lane: int
    number: int
    type: int
    target: Optional[tuple[int, int, int]]
    commitment: bytes

    @property
    def position(self) -> tuple[int, int, int]:
        return self.epoch, self.lane, self.number

    @property
    def creates(self) -> bool:
        return self.type == RECORD and self.target is None


@dataclass(frozen=True)
class Record:
    created: Change
    stands: Change
    state: int

    def entry(self) -> bytes:
        created, stands = self.created, self.stands
        text = created.origin
        for epoch, lane, number in (created.position, stands.position):
            text += epoch.to_bytes(4, "little") + lane.to_bytes(4, "little") + number.to_bytes(8, "little")
        return crypto.blake2b(text + stands.commitment + bytes([self.state]), "enlace-view")


def changes_of(commits: Iterable[Commit]) -> list[Change]:
    changes = []
    for commit in commits:
        origin, epoch, lane = commit.feed
        for place, change in enumerate(commit.header.changes):
            target = None
            if change.HasField("target_number"):
                target = (change.target_epoch, change.target_lane, change.target_number)
            number = commit.first + place
            changes.append(Change(origin, epoch, lane, number, change.type, target, change.commitment))
    return changes


def fold(changes: Iterable[Change]) -> list[Record]:
    changes = list(changes)
    created = {(c.origin, c.position): c for c in changes if c.creates}
    touching: dict[Change, list[Change]] = {change: [] for change in created.values()}
    for change in changes:
        record = created.get((change.origin, change.target)) if change.target else None
        if record and _may_touch(change, record):
            touching[record].append(change)
    return [_settle(record, later) for record, later in touching.items()]


def _may_touch(change: Change, record: Change) -> bool:
    if change.type not in (RECORD, RETRACT) or change.lane != record.lane:
        return False
    return (record.epoch, record.number) < (change.epoch, change.number)


def _settle(record: Change, later: list[Change]) -> Record:
    stands = record
    for change in sorted(later, key=lambda c: (c.epoch, c.number)):
        stands = change
        if change.type == RETRACT:
            return Record(record, stands, RETRACTED)
    return Record(record, stands, STANDING)


def digest(records: Iterable[Record]) -> bytes:
    total = 0
    for record in records:
        if record.created.lane in (CONTROL, COALITION):
            total += int.from_bytes(record.entry(), "little")
    return (total % 2**256).to_bytes(32, "little")
