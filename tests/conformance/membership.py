"""Cards, rosters and the charter: docs/protocol.md, section 4."""

from dataclasses import dataclass
from typing import Optional

from enlace.v1 import membership_pb2 as pb

import crypto
import wire
from document import Refused, refuse_unless


def read_signed(kind: type, data: bytes, limits: wire.Limits):
    return wire.check(wire.parse(kind, data, limits))


def read_body(kind: type, data: bytes, limits: wire.Limits):
    message = wire.parse(kind, data, limits)
    wire.refuse_unless_canonical(message, data)
    return wire.check(message)


def check_cuts(cuts) -> None:
    """At most one a lane, ordered by epoch and lane."""
    lanes = [(cut.epoch, cut.lane) for cut in cuts]
    refuse_unless(lanes == sorted(set(lanes)), "not-canonical", "cuts")


# ---- cards ----


@dataclass(frozen=True)
class Card:
    signed: bytes  # SignedCard as it came
    body: pb.Card
    hash: bytes

    @staticmethod
    def read(signed: bytes) -> "Card":
        """What a card can be asked without knowing any other."""
        outer = read_signed(pb.SignedCard, signed, wire.SIGNED_CARD)
        body = read_body(pb.Card, outer.body, wire.CARD)
        check_cuts(body.cuts)
        refuse_unless(body.HasField("previous") == (body.number > 1), "bad-card", "previous")
        if body.number == 1:
            refuse_unless(body.origin == crypto.origin_of(body.root_key), "bad-card", "origin")
            refuse_unless(not body.cuts, "bad-card", "cuts")
        hash_ = crypto.card_hash(outer.body)
        refuse_unless(crypto.holds(body.root_key, crypto.card_text(hash_), outer.signature), "bad-signature")
        return Card(signed, body, hash_)

    def check_follows(self, before: Optional["Card"]) -> None:
        mine = self.body
        if before is None:
            refuse_unless(mine.number == 1, "out-of-order")
            return
        refuse_unless(mine.number == before.body.number + 1, "out-of-order")
        follows = (
            mine.origin == before.body.origin
            and mine.previous == before.hash
            and mine.code == before.body.code
            and mine.epoch >= before.body.epoch
        )
        refuse_unless(follows, "bad-card")


def make_card(keys: crypto.Keys, code: str, before: Optional[Card] = None, **fields) -> Card:
    """A node's first card, or the one after `before`, with other fields where they are given."""
    body = pb.Card(
        origin=keys.origin,
        number=1,
        root_key=crypto.ed25519_public(keys.root),
        signing_key=crypto.ed25519_public(keys.signing),
        transport_key=crypto.x25519_public(keys.transport),
        sealing_key=crypto.x25519_public(keys.sealing),
        epoch=1,
        code=code,
        name=f"Nodo {code}",
        protocol=1,
        schema=1,
    )
    if before:
        body.origin, body.number, body.previous = before.body.origin, before.body.number + 1, before.hash
        body.epoch = before.body.epoch
    body.MergeFrom(pb.Card(**fields))
    return Card.read(sign_card(keys, body.SerializeToString()))


def sign_card(keys: crypto.Keys, body: bytes) -> bytes:
    signature = crypto.sign(keys.root, crypto.card_text(crypto.card_hash(body)))
    return pb.SignedCard(body=body, signature=signature).SerializeToString()


# ---- rosters ----


@dataclass(frozen=True)
class Roster:
    signed: bytes
    body: pb.Roster
    hash: bytes

    @staticmethod
    def read(signed: bytes) -> "Roster":
        """What a roster can be asked without knowing any other; signatures not yet."""
        outer = read_signed(pb.SignedRoster, signed, wire.SIGNED_ROSTER)
        body = read_body(pb.Roster, outer.body, wire.ROSTER)
        for former in body.formers:
            check_cuts(former.cuts)
        roster = Roster(signed, body, crypto.roster_hash(outer.body))
        roster._check_alone()
        return roster

    def _check_alone(self) -> None:
        body, charter = self.body, self.body.version == 1
        refuse_unless(body.HasField("previous") != charter, "bad-roster", "previous")
        refuse_unless(body.HasField("creator") == charter, "bad-roster", "creator")
        refuse_unless(not charter or self.member(body.creator), "bad-roster", "creator")
        refuse_unless(body.threshold <= len(body.members), "bad-roster", "threshold")
        refuse_unless(not charter or not body.formers, "bad-roster", "formers")
        for entries in (body.members, body.formers):
            codes = [entry.code for entry in entries]
            refuse_unless(codes == sorted(set(codes)), "not-canonical", "codes")
        everybody = [*body.members, *body.formers]
        refuse_unless(len({entry.code for entry in everybody}) == len(everybody), "bad-roster", "codes")
        refuse_unless(len({entry.origin for entry in everybody}) == len(everybody), "bad-roster", "origins")

    @property
    def signatures(self):
        return pb.SignedRoster.FromString(self.signed).signatures

    def member(self, origin: bytes) -> Optional[pb.Roster.Member]:
        return next((member for member in self.body.members if member.origin == origin), None)

    def former(self, origin: bytes) -> Optional[pb.Roster.Former]:
        return next((former for former in self.body.formers if former.origin == origin), None)

    def code_of(self, origin: bytes) -> Optional[str]:
        entry = self.member(origin) or self.former(origin)
        return entry.code if entry else None

    def check_charter(self) -> None:
        refuse_unless(self.body.version == 1, "bad-roster", "version")
        by_creator = [s for s in self.signatures if s.card_number == 0 and s.origin == self.body.creator]
        refuse_unless(by_creator, "too-few-signatures")
        key = self.member(self.body.creator).root_key
        text = crypto.charter_text(self.hash)
        refuse_unless(any(crypto.holds(key, text, s.signature) for s in by_creator), "bad-signature")

    def check_follows(self, before: "Roster", coalition: bytes, key_of) -> None:
        """`key_of(origin, card number)` is that card's signing key, or None."""
        mine = self.body
        follows = mine.version == before.body.version + 1 and mine.previous == before.hash
        refuse_unless(follows, "bad-roster", "previous")
        refuse_unless(self._voters(before, coalition, key_of) >= before.body.threshold, "too-few-signatures")
        refuse_unless(self._members_follow(before) and self._formers_follow(before), "bad-roster", "members")

    def _voters(self, before: "Roster", coalition: bytes, key_of) -> int:
        text = crypto.roster_text(coalition, self.hash)
        voters = set()
        for vote in self.signatures:
            member, after = before.member(vote.origin), self.member(vote.origin)
            key = key_of(vote.origin, vote.card_number)
            accepted = member and vote.card_number >= max(member.min_card, after.min_card if after else 0)
            if accepted and key and crypto.holds(key, text, vote.signature):
                voters.add(vote.origin)
        return len(voters)

    def _members_follow(self, before: "Roster") -> bool:
        codes = {entry.code: entry.origin for entry in (*before.body.members, *before.body.formers)}
        for member in self.body.members:
            known = before.member(member.origin)
            if known is None and (member.code in codes or member.origin in codes.values()):
                return False
            if known and (known.code != member.code or member.min_card < known.min_card):
                return False
        return True

    def _formers_follow(self, before: "Roster") -> bool:
        kept = {former.origin: former for former in self.body.formers}
        for old in before.body.formers:
            if kept.get(old.origin) != old:
                return False
        for old in before.body.members:
            now = kept.get(old.origin)
            if self.member(old.origin) is None:
                if now is None or (now.code, now.root_key) != (old.code, old.root_key):
                    return False
        return all(before.member(origin) or before.former(origin) for origin in kept)


def member_entry(card: Card, roles=(), min_card: int = 1) -> pb.Roster.Member:
    body = card.body
    return pb.Roster.Member(code=body.code, origin=body.origin, root_key=body.root_key, roles=roles, min_card=min_card)


def sign_charter(keys: crypto.Keys, body: pb.Roster) -> bytes:
    data = body.SerializeToString()
    signature = crypto.sign(keys.root, crypto.charter_text(crypto.roster_hash(data)))
    vote = pb.RosterSignature(origin=body.creator, card_number=0, signature=signature)
    return pb.SignedRoster(body=data, signatures=[vote]).SerializeToString()


def sign_roster(coalition: bytes, body: pb.Roster, voters: list[tuple[crypto.Keys, Card]]) -> bytes:
    data = body.SerializeToString()
    text = crypto.roster_text(coalition, crypto.roster_hash(data))
    votes = [
        pb.RosterSignature(
            origin=card.body.origin, card_number=card.body.number, signature=crypto.sign(keys.signing, text)
        )
        for keys, card in voters
    ]
    return pb.SignedRoster(body=data, signatures=votes).SerializeToString()


# ---- what a node knows of its coalition ----


class Membership:
    """Rosters from the charter on, and of each origin its cards from number 1."""

    def __init__(self, charter_file: bytes) -> None:
        file = wire.parse(pb.CharterFile, charter_file, wire.CHARTER)
        refuse_unless(file.HasField("roster"), "missing-field", "roster")
        charter = Roster.read(file.roster.SerializeToString())
        charter.check_charter()
        self.rosters = [charter]
        self.coalition = charter.hash
        self.cards: dict[bytes, list[Card]] = {}
        cards = [Card.read(signed.SerializeToString()) for signed in file.cards]
        refuse_unless(len(cards) == len(charter.body.members), "bad-card", "cards")
        for card in cards:
            self._take_founding_card(card)

    def _take_founding_card(self, card: Card) -> None:
        member = self.roster.member(card.body.origin)
        agrees = member and (member.code, member.root_key) == (card.body.code, card.body.root_key)
        refuse_unless(agrees and card.body.number == member.min_card == 1, "bad-card", card.body.code)
        refuse_unless(card.body.origin not in self.cards, "bad-card", card.body.code)
        card.check_follows(None)
        self.cards[card.body.origin] = [card]

    @property
    def roster(self) -> Roster:
        return self.rosters[-1]

    def card(self, origin: bytes, number: int) -> Optional[Card]:
        cards = self.cards.get(origin, [])
        return cards[number - 1] if 1 <= number <= len(cards) else None

    def newest(self, origin: bytes) -> Optional[Card]:
        cards = self.cards.get(origin)
        return cards[-1] if cards else None

    def signing_key(self, origin: bytes, number: int) -> Optional[bytes]:
        card = self.card(origin, number)
        return card.body.signing_key if card else None

    def take_card(self, signed: bytes) -> Optional[bytes]:
        """The origin of one that is new; one that is held already is nothing."""
        card = Card.read(signed)
        origin = card.body.origin
        entry = self.roster.member(origin) or self.roster.former(origin)
        refuse_unless(entry, "unknown-origin")
        held = self.card(origin, card.body.number)
        if held:
            refuse_unless(held.hash == card.hash, "bad-card", "another one of this number")
            return None
        card.check_follows(self.newest(origin))
        refuse_unless(entry.code == card.body.code and entry.root_key == card.body.root_key, "bad-card")
        self.cards.setdefault(origin, []).append(card)
        return origin

    def take_roster(self, signed: bytes) -> bool:
        roster = Roster.read(signed)
        version = roster.body.version
        if version <= len(self.rosters):
            self._check_same_version(roster)
            return False
        roster.check_follows(self.roster, self.coalition, self.signing_key)
        self._check_cards(roster)
        self.rosters.append(roster)
        return True

    def _check_cards(self, roster: Roster) -> None:
        """Nobody is shut out whose newer card has not come."""
        for member in roster.body.members:
            before = self.roster.member(member.origin)
            if before and member.min_card > before.min_card:
                refuse_unless(self.card(member.origin, member.min_card), "unknown-card", member.code)

    def _check_same_version(self, roster: Roster) -> None:
        version = roster.body.version
        if roster.hash == self.rosters[version - 1].hash:
            return
        refuse_unless(version > 1, "wrong-coalition", "another charter")
        roster.check_follows(self.rosters[version - 2], self.coalition, self.signing_key)
        raise Refused("roster-fork", str(version))

    # ---- authority ----

    def epoch_start(self, origin: bytes, epoch: int) -> Optional[bytes]:
        """Hash of the card that started it: the first one that names it."""
        for card in self.cards.get(origin, []):
            if card.body.epoch == epoch:
                return card.hash
        return None

    def cut_of_feed(self, origin: bytes, epoch: int, lane: int) -> Optional[pb.Cut]:
        """The one that binds the key of the epoch's newest card."""
        cards = [card.body.number for card in self.cards.get(origin, []) if card.body.epoch == epoch]
        return self.cut_of_key(cards[-1], origin, epoch, lane) if cards else None

    def cut_of_key(self, number: int, origin: bytes, epoch: int, lane: int) -> Optional[pb.Cut]:
        """The lowest of those that bind a card's key; of equally low ones the first: the roster's, then by card."""
        return min(self._bounds(number, origin, epoch, lane) or [], key=lambda cut: cut.number, default=None)

    def _bounds(self, number: int, origin: bytes, epoch: int, lane: int) -> Optional[list[pb.Cut]]:
        """What bounds the reach of a card's key in a feed; None: it reaches nothing there."""
        member, former = self.roster.member(origin), self.roster.former(origin)
        later = [cut for card in self.cards.get(origin, [])[number:] for cut in card.body.cuts]
        by_cards = [cut for cut in later if (cut.epoch, cut.lane) == (epoch, lane)]
        by_roster = [cut for cut in former.cuts if (cut.epoch, cut.lane) == (epoch, lane)] if former else []
        ended = self.newest(origin).body.epoch > epoch or (member is not None and number < member.min_card)
        return None if (ended and not by_cards) or (former and not by_roster) else by_roster + by_cards

    def reach_of(self, number: int, origin: bytes, epoch: int, lane: int) -> int:
        """The last number that a card's key reaches; the highest there can be, while there is no end."""
        bounds = self._bounds(number, origin, epoch, lane)
        return 0 if bounds is None else min((cut.number for cut in bounds), default=wire.NUMBER)

    def reach(self, origin: bytes, epoch: int, lane: int) -> int:
        """The last number that any key of the epoch reaches."""
        cards = [card for card in self.cards.get(origin, []) if card.body.epoch == epoch]
        return max((self.reach_of(card.body.number, origin, epoch, lane) for card in cards), default=0)

    def is_replaced(self, number: int, origin: bytes, epoch: int) -> bool:
        """Whether a later card of the same epoch took the key's place, of somebody who is a member."""
        newest = self.newest(origin).body
        return number < newest.number and newest.epoch == epoch and self.roster.member(origin) is not None

    def check_reaches(self, origin: bytes, epoch: int, lane: int, number: int, last: int, hash_: bytes) -> None:
        """Whether a commit that ends at `last` counts, signed under card `number`."""
        card = self.card(origin, number)
        refuse_unless(card, "unknown-card")
        refuse_unless(card.body.epoch == epoch, "wrong-epoch")
        refuse_unless(self.roster.code_of(origin), "unknown-origin")
        refuse_unless(self._bounds(number, origin, epoch, lane) is not None, "beyond-cut")
        cut = self.cut_of_key(number, origin, epoch, lane)
        if cut:
            refuse_unless(last < cut.number or (last == cut.number and hash_ == cut.hash), "beyond-cut")
