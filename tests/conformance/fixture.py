"""What the test vectors are made with: a coalition whose keys, salts, nonces and
times are all fixed. Used by generate.py only."""

from typing import Optional

from enlace.v1 import commit_pb2, membership_pb2

import crypto
from feed import COALITION, Commit, Draft, Feed, FeedId, RECORD, RETRACT, make_commit, run_message
from membership import Card, Membership, make_card, member_entry, sign_charter, sign_roster
from node import Node
from records import record

T0 = 1_700_000_000_000  # wall clock at the beginning, ms since 1970
CODES = ("CRM", "GT", "HN", "SV")  # the first is the node under test


class Draws:
    """Fixed "randomness": BLAKE2b of a name and a counter."""

    def __init__(self, name: str) -> None:
        self.name, self.drawn = name, 0

    def __call__(self, size: int) -> bytes:
        self.drawn += 1
        return crypto.blake2b(f"{self.name} {self.drawn}".encode(), "vectors", 32)[:size]


KEYS = {code: crypto.Keys.derived(code) for code in (*CODES, "NI", "PA", "stranger")}
CARDS = {
    code: make_card(KEYS[code], code, endpoints=["tcp://hub.example.org:7400"] if code == "CRM" else [])
    for code in KEYS
    if code != "stranger"
}
ORIGINS = {code: card.body.origin for code, card in CARDS.items()}


def charter_body(threshold: int = 2, codes=CODES) -> membership_pb2.Roster:
    return membership_pb2.Roster(
        version=1,
        name="Coalición de ejemplo",
        threshold=threshold,
        members=[member_entry(CARDS[code]) for code in sorted(codes)],
        min_protocol=1,
        time_ms=T0,
        creator=ORIGINS["CRM"],
    )


def charter_file(signed_roster: bytes, cards: list[Card]) -> bytes:
    return membership_pb2.CharterFile(
        roster=membership_pb2.SignedRoster.FromString(signed_roster),
        cards=[membership_pb2.SignedCard.FromString(card.signed) for card in cards],
    ).SerializeToString()


SIGNED_CHARTER = sign_charter(KEYS["CRM"], charter_body())
CHARTER = charter_file(SIGNED_CHARTER, [CARDS[code] for code in CODES])
COALITION_ID = Membership(CHARTER).coalition


def successor(before: membership_pb2.Roster, before_hash: bytes, **fields) -> membership_pb2.Roster:
    """The roster after `before`, unchanged but for what is given."""
    body = membership_pb2.Roster()
    body.CopyFrom(before)
    body.ClearField("creator")
    body.version, body.previous, body.time_ms = before.version + 1, before_hash, before.time_ms + 1000
    for name, value in fields.items():
        body.ClearField(name)
        body.MergeFrom(membership_pb2.Roster(**{name: value}))
    return body


def voted(body: membership_pb2.Roster, voters=("CRM", "GT"), cards: Optional[dict] = None, keys: Optional[dict] = None) -> bytes:
    cards, keys = {**CARDS, **(cards or {})}, {**KEYS, **(keys or {})}
    return sign_roster(COALITION_ID, body, [(keys[code], cards[code]) for code in voters])


# ---- commits ----


class Author:
    """Writes a feed of one member, commit by commit, a second apart."""

    def __init__(self, code: str, lane: int = COALITION, epoch: int = 1, card: Optional[Card] = None,
                 keys: Optional[crypto.Keys] = None, start: Optional[bytes] = None, coalition: bytes = COALITION_ID) -> None:
        self.card, self.keys, self.coalition = card or CARDS[code], keys or KEYS[code], coalition
        id_ = FeedId(self.card.body.origin, epoch, lane)
        self.feed = Feed(id_, start or CARDS[code].hash)
        self.salts = Draws(f"{code} {epoch} {lane} salts")
        self.time_ms = T0

    def draft(self, body: bytes, type_: int = RECORD, target: Optional[int] = None) -> Draft:
        position = (self.feed.id.epoch, self.feed.id.lane, target) if target else None
        return Draft(type_, body, self.salts(16), position)

    def make(self, *drafts: Draft) -> Commit:
        """The next commit, not appended: what hostile vectors are altered from."""
        self.time_ms += 1000
        return make_commit(self.feed, list(drafts), self.keys, self.coalition, self.card.body.number, self.time_ms)

    def write(self, *drafts: Draft) -> Commit:
        commit = self.make(*drafts)
        self.feed.commits.append(commit)
        return commit

    def put(self, key: str, words: str = "Ejemplo") -> Commit:
        return self.write(self.draft(record(key, words)))

    def revise(self, number: int, key: str, words: str) -> Commit:
        return self.write(self.draft(record(key, words), target=number))

    def retract(self, number: int) -> Commit:
        return self.write(self.draft(commit_pb2.Retraction().SerializeToString(), RETRACT, number))

    def resign(self, header: commit_pb2.CommitHeader, payloads, keys: Optional[crypto.Keys] = None) -> commit_pb2.Commit:
        """A header of any content under this author's signature."""
        data = header.SerializeToString()
        return self.sign(data, payloads, keys)

    def sign(self, header: bytes, payloads, keys: Optional[crypto.Keys] = None) -> commit_pb2.Commit:
        text_ = crypto.commit_text(self.coalition, crypto.commit_hash(header))
        signature = crypto.sign((keys or self.keys).signing, text_)
        return commit_pb2.Commit(header=header, payloads=list(payloads), signature=signature)


def run_bytes(*commits: Commit) -> bytes:
    return run_message(commits).SerializeToString()


def node(code: str, listening: bool = False, charter: bytes = CHARTER) -> Node:
    made = Node(KEYS[code], charter, Draws(f"{code} nonces"))
    made.listening = listening
    made.now_ms = T0 + 100_000
    return made
