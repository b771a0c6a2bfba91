"""A member of a coalition, without sockets: messages in, messages out.

Docs/protocol.md, sections 6 and 7: greeting, rosters, cards, beacons, time; and
what the node writes itself. Following and serving are in files of their own.
"""

from typing import Hashable, Iterable, Optional

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import wire
from base import Base
from document import NAMES, Refused, refuse_unless
from feed import CONSENT, RECORD, RETRACT, Commit, Draft, FeedId, Head, make_commit
from following import Following
from membership import read_body, read_signed
from pulsing import Pulsing, chain
from serving import Serving
from session import GREETING, OPEN, Session

PING_MS, SILENT_MS, GREETING_MS = 15_000, 30_000, 15_000
BEACON_MS, BEACON_IDLE_MS, BEACON_LATE_MS = 1_000, 60_000, 180_000
GREETINGS = ("hello", "welcome")


class Node(Following, Serving, Pulsing, Base):
    # ---- opening a session ----

    def dial(self, link: Hashable, server_key: bytes) -> Session:
        """A new connection to the holder of a transport key: says Hello."""
        session = Session(link, True, self.random(16), server_key, heard_ms=self.now_ms)
        self.sessions[link] = session
        self.say(session, hello=link_pb2.Hello(protocol_min=1, protocol_max=1, **self._greeting(session)))
        return session

    def _greeting(self, session: Session) -> dict:
        roster = self.membership.roster
        cards = sorted(self.membership.cards.items())
        return {
            "coalition": self.coalition,
            "nonce": session.nonce,
            "roster_version": roster.body.version,
            "roster_hash": roster.hash,
            "cards": [link_pb2.CardNumber(origin=origin, number=len(held)) for origin, held in cards],
            "origin": self.origin,
            "packings": self.packings or None,
        }

    def accept(self, link: Hashable, key: bytes) -> None:
        """Somebody has connected; `key` is the transport key that CURVE has authenticated."""
        session = Session(link, False, self.random(16), key, heard_ms=self.now_ms)
        self.sessions[link] = session
        if not any(self._admitted(member.origin, key) for member in self.membership.roster.body.members):
            self.close(session, "not-a-member")
        elif self._admitted(self.origin, key):
            self.close(session, "self")

    def receive(self, link: Hashable, data: bytes) -> None:
        """One frame of a link."""
        session = self.sessions[link]
        session.heard_ms = self.now_ms
        try:
            self._refuse_unless_admitted(session)
            self._take(session, data)
        except Refused as refused:
            self.close(session, refused.reason)
        self.say_owed(session)

    def _take(self, session: Session, data: bytes) -> None:
        message = wire.read_link(data)
        kind = message.WhichOneof("body")
        self.heard[kind] += 1
        if session.state == GREETING:
            expected = "welcome" if session.dialled else "hello"
            refuse_unless(kind in (expected, "bye"), "unexpected" if kind in GREETINGS else "no-hello", kind)
            session.id = message.session  # as claimed: what the greeting says decides
        elif kind != "hello" and message.session != session.id:
            self.counters["wrong-session"] += 1
            return
        else:
            refuse_unless(kind not in GREETINGS, "unexpected", kind)
        getattr(self, f"on_{kind}")(session, getattr(message, kind))

    def _admitted(self, origin: bytes, key: bytes) -> bool:
        """Whether a transport key is that of a current member's newest card, not below its min_card."""
        member, card = self.membership.roster.member(origin), self.membership.newest(origin)
        return bool(member and card and card.body.number >= member.min_card and card.body.transport_key == key)

    def _refuse_unless_admitted(self, session: Session) -> None:
        refuse_unless(session.state != OPEN or self._admitted(session.peer, session.key), "revoked")

    def _check_greeting(self, session: Session, greeting) -> None:
        refuse_unless(greeting.coalition == self.coalition, "wrong-coalition")
        refuse_unless(self._admitted(greeting.origin, session.key), "not-a-member")
        session.peer = greeting.origin

    def on_hello(self, session: Session, hello: link_pb2.Hello) -> None:
        self._check_greeting(session, hello)
        refuse_unless(hello.protocol_min <= 1 <= hello.protocol_max, "no-common-version")
        for older in [s for s in self.open_sessions() if s.peer == session.peer and not s.dialled]:
            self.close(older, "replaced")
        session.id = crypto.session_id(hello.nonce, session.nonce)
        self.say(session, welcome=link_pb2.Welcome(protocol=1, hello_nonce=hello.nonce, **self._greeting(session)))
        self._ready(session, hello)

    def on_welcome(self, session: Session, welcome: link_pb2.Welcome) -> None:
        refuse_unless(welcome.hello_nonce == session.nonce, "wrong-session")
        refuse_unless(session.id == crypto.session_id(session.nonce, welcome.nonce), "wrong-session")
        self._check_greeting(session, welcome)
        refuse_unless(welcome.protocol == 1, "no-common-version")
        self._ready(session, welcome)

    def _ready(self, session: Session, told) -> None:
        """What the other lacks, in the order of section 6."""
        session.state = OPEN
        session.packings = told.packings
        rosters = self.membership.rosters[told.roster_version :]
        has = {entry.origin: entry.number for entry in told.cards}
        cards = [card for origin, held in sorted(self.membership.cards.items()) for card in held[has.get(origin, 0) :]]
        if rosters:
            self._say_cards(session, cards)
            self._say_rosters(session, rosters)
        self._say_cards(session, cards)
        for origin in self.beacons:
            self.say(session, beacons=self.beacon_and_pulse(origin))
        self.say_forks(session, self.forks)
        session.told_roster = told.roster_version
        # What is held of the receiver's own feeds comes first.
        heads = sorted(self.heads(), key=lambda head: head.feed.origin != session.peer)
        for start in range(0, max(len(heads), 1), wire.HEADS_MOST):
            some = [head.message() for head in heads[start : start + wire.HEADS_MOST]]
            self.say(session, heads=link_pb2.Heads(heads=some))

    # ---- rosters and cards ----

    def _say_cards(self, session: Session, cards) -> None:
        for start in range(0, len(cards), wire.ITEMS_MOST):
            signed = [membership_pb2.SignedCard.FromString(c.signed) for c in cards[start : start + wire.ITEMS_MOST]]
            self.say(session, cards=link_pb2.Cards(cards=signed))

    def _say_rosters(self, session: Session, rosters) -> None:
        for roster in rosters:
            signed = membership_pb2.SignedRoster.FromString(roster.signed)
            self.say(session, rosters=link_pb2.Rosters(rosters=[signed]))

    def _each(self, items, take) -> list:
        """Takes what may be taken; each refused one is counted, and nothing else."""
        taken = []
        for item in items:
            try:
                if take(item.SerializeToString()):
                    taken.append(item)
            except Refused as refused:
                self.counters[refused.reason] += 1
        return taken

    def on_rosters(self, session: Session, rosters: link_pb2.Rosters) -> None:
        taken = self._each(rosters.rosters, self.membership.take_roster)
        for other in self.open_sessions() if taken else []:
            self.say(other, rosters=link_pb2.Rosters(rosters=taken))

    def on_heads(self, session: Session, heads: link_pb2.Heads) -> None:
        """The greeting ends with the first: a roster that came before the card of a vote comes with the next."""
        lacks = session.told_roster > self.membership.roster.body.version
        refuse_unless(session.greeted or not (session.took_cards and lacks), "too-few-signatures")
        session.greeted = True
        super().on_heads(session, heads)

    def on_cards(self, session: Session, cards: link_pb2.Cards) -> None:
        taken = self._each(cards.cards, self._take_card)
        session.took_cards |= bool(taken)
        for other in self.open_sessions() if taken else []:
            self.say(other, cards=link_pb2.Cards(cards=taken))

    def _take_card(self, signed: bytes) -> bool:
        origin = self.membership.take_card(signed)
        if origin:
            self.beacons.pop(origin, None)  # signed by the key that this one replaces
            self.forget_pulses(origin)
        return bool(origin)

    def on_want_cards(self, session: Session, want: link_pb2.WantCards) -> None:
        for wanted in want.cards:
            if not self.may_ask(session):
                return
            self._say_cards(session, self.membership.cards.get(wanted.origin, [])[wanted.number :])

    # ---- beacons ----

    def take_beacon(self, signed: bytes) -> bool:
        """True where it is news; one that is no newer than what is held is nothing."""
        outer, beacon = read_beacon(signed)
        refuse_unless(beacon.coalition == self.coalition, "wrong-coalition")
        refuse_unless(self.membership.roster.member(beacon.origin), "unknown-origin")
        held = self.beacons.get(beacon.origin)
        if held and beacon.sequence <= held[0] and beacon.origin != self.origin:
            return False
        card = self.membership.card(beacon.origin, beacon.card_number)
        refuse_unless(card, "unknown-card")
        refuse_unless(card is self.membership.newest(beacon.origin), "beyond-cut")
        text = crypto.beacon_text(self.coalition, crypto.beacon_hash(outer.body))
        refuse_unless(crypto.holds(card.body.signing_key, text, outer.signature), "bad-signature")
        if beacon.origin == self.origin:
            self._hear_own_word(beacon)
            return False
        self.beacons[beacon.origin] = (beacon.sequence, signed)
        self.forget_pulses(beacon.origin)
        self.beacon_heard_ms[beacon.origin] = self.now_ms
        return True

    def _hear_own_word(self, beacon: link_pb2.Beacon) -> None:
        """Whatever its sequence: what it says that this node holds it has held."""
        self.sequence = max(self.sequence, beacon.sequence)
        for head in map(Head.of, beacon.own):
            if head.number > self.check_feed(head.feed).head.number:
                self.fall("own-later-commit")

    def on_beacons(self, session: Session, beacons: link_pb2.Beacons) -> None:
        for item in self._each(beacons.beacons, self.take_beacon):
            self.spread_beacon(item, session)
        self.take_pulses(session, beacons.pulses)

    def spread_beacon(self, signed: link_pb2.SignedBeacon, came_from: Optional[Session]) -> None:
        if self.listening:
            self.published.append(link_pb2.Publication(beacons=link_pb2.Beacons(beacons=[signed])).SerializeToString())
        for session in self.open_sessions():
            if session.dialled and session is not came_from:
                self.say(session, beacons=link_pb2.Beacons(beacons=[signed]))

    def beacon(self, **fields) -> link_pb2.SignedBeacon:
        """This node's word on what it holds now, signed; fields can be overridden."""
        body = self._beacon_body()
        for name, value in fields.items():
            setattr(body, name, value)
        # As good as random to whoever lacks the key, and the same each time that vectors are made.
        self.top = crypto.blake2b(body.SerializeToString(), "enlace-derive", key=self.keys.signing)[:16]
        body.anchor = chain(self.top, body.origin, body.sequence)[0]
        data = body.SerializeToString()
        signature = crypto.sign(self.keys.signing, crypto.beacon_text(self.coalition, crypto.beacon_hash(data)))
        return link_pb2.SignedBeacon(body=data, signature=signature)

    def _beacon_body(self) -> link_pb2.Beacon:
        heads = self.heads()
        return link_pb2.Beacon(
            coalition=self.coalition,
            origin=self.origin,
            sequence=max(self.now_ms, self.sequence + 1),
            card_number=self.card_number,
            own=[head.message() for head in heads if head.feed.origin == self.origin],
            held=[head.message() for head in heads if head.feed.origin != self.origin],
        )

    def tell_beacon(self) -> None:
        if self.tell_pulse(self._beacon_body()):
            self.beacon_ms, self.beacon_due = self.now_ms, False
            return
        signed = self.beacon()
        self.sequence = link_pb2.Beacon.FromString(signed.body).sequence
        self.beacons[self.origin] = (self.sequence, signed.SerializeToString())
        self.forget_pulses(self.origin)
        self.beacon_ms, self.beacon_due = self.now_ms, False
        self.spread_beacon(signed, None)

    def _look_for_silent_members(self) -> None:
        """An alarm, once, of a member of whom no new beacon has come for three minutes."""
        for member in self.membership.roster.body.members if self.open_sessions() else []:
            since_ms = self.beacon_heard_ms.setdefault(member.origin, self.now_ms)
            late = member.origin != self.origin and self.now_ms - since_ms > BEACON_LATE_MS
            if late and member.origin not in self.late:
                self.counters["no-beacon"] += 1
            (self.late.add if late else self.late.discard)(member.origin)

    # ---- keeping a session ----

    def on_ping(self, session: Session, ping: link_pb2.Ping) -> None:
        self.say(session, pong=link_pb2.Pong(token=ping.token))

    def on_pong(self, session: Session, pong: link_pb2.Pong) -> None:
        session.pinged = False

    def on_bye(self, session: Session, bye: link_pb2.Bye) -> None:
        self.close(session, NAMES.get(bye.reason, "unexpected"), bye=False)

    def tick(self) -> None:
        """Pings, silence, beacons: as time goes."""
        for session in list(self.sessions.values()):
            try:
                self._refuse_unless_admitted(session)
                self._tick_session(session, self.now_ms - session.heard_ms)
            except Refused as refused:
                self.close(session, refused.reason)
        for session in self.open_sessions():
            self.drop_stalled(session)
        self.ask_for_missing()
        self._look_for_silent_members()
        self.pass_on_in_time()
        wait_ms = BEACON_MS if self.beacon_due else BEACON_IDLE_MS
        if self.now_ms - self.beacon_ms >= wait_ms:
            self.tell_beacon()

    def _tick_session(self, session: Session, quiet_ms: int) -> None:
        late = quiet_ms >= (GREETING_MS if session.state == GREETING else SILENT_MS)
        if late:
            self.close(session, "no-hello" if session.state == GREETING else "silent")
        elif session.state == OPEN and max(quiet_ms, self.now_ms - session.said_ms) >= PING_MS and not session.pinged:
            session.pinged = True
            self.say(session, ping=link_pb2.Ping(token=self.now_ms))

    # ---- what this node says itself ----

    def author(self, lane: int, bodies: Iterable[tuple[int, bytes, Optional[tuple[int, int, int]]]]) -> Commit:
        """Signs one commit of (type, body, target), appends it and tells everybody."""
        refuse_unless(not self.fence, self.fence)
        epoch = self.membership.newest(self.origin).body.epoch
        feed = self.check_feed(FeedId(self.origin, epoch, lane))
        drafts = [Draft(type_, body, self.random(16), target) for type_, body, target in bodies]
        time_ms = max(self.now_ms, feed.commits[-1].header.time_ms if feed.commits else 0)
        commit = make_commit(feed, drafts, self.keys, self.coalition, self.card_number, time_ms)
        feed.check_next([commit], self.membership)
        feed.append([commit])
        self.moved(feed, [commit], written=True)
        self.beacon_due = True
        return commit

    def consent(self) -> Commit:
        body = commit_pb2.Consent(coalition=self.coalition, version=1)
        return self.author(0, [(CONSENT, body.SerializeToString(), None)])

    def retract(self, target: tuple[int, int, int]) -> Commit:
        return self.author(1, [(RETRACT, commit_pb2.Retraction().SerializeToString(), target)])

    def put(self, record: bytes, target: Optional[tuple[int, int, int]] = None) -> Commit:
        return self.author(1, [(RECORD, record, target)])


def read_beacon(signed: bytes) -> tuple[link_pb2.SignedBeacon, link_pb2.Beacon]:
    """What a beacon can be asked without knowing its origin; its signature is still unchecked."""
    outer = read_signed(link_pb2.SignedBeacon, signed, wire.SIGNED_BEACON)
    beacon = read_body(link_pb2.Beacon, outer.body, wire.BEACON)
    refuse_unless(len(beacon.own) + len(beacon.held) <= 160, "too-many", "heads")
    refuse_unless(all(head.feed.origin == beacon.origin for head in beacon.own), "bad-value", "own")
    return outer, beacon
