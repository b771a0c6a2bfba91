"""A member of a coalition, without sockets: messages in, messages out.

Docs/protocol.md, sections 6 and 7. Time and randomness come from outside, so
that a transcript can be played to it. What it wants said is put into `outbox`
(link, bytes), `published` (bytes) and `closing` (link, reason); whoever drives
it empties them.
"""

from collections import Counter
from typing import Callable, Hashable, Iterable, Optional

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import wire
from feed import CONSENT, MISSING, PRESENT, RECORD, Commit, Draft, Feed, FeedId, Head
from feed import check_commitment, make_commit, read_run, run_message, run_of
from membership import Membership, read_body, read_signed
from document import NAMES, NUMBERS, Refused, refuse_unless
from session import CLOSED, GREETING, OPEN, Assembly, Following, Sending, Serving, Session
from view import changes_of, digest, fold

PING_MS, SILENT_MS = 10_000, 30_000
BEACON_MS, BEACON_IDLE_MS = 1_000, 60_000
PROOF_MOST = 190 * wire.KIB
GREETINGS = ("hello", "welcome")


class Node:
    def __init__(self, keys: crypto.Keys, charter_file: bytes, random: Callable[[int], bytes]) -> None:
        self.keys = keys
        self.origin = keys.origin
        self.membership = Membership(charter_file)
        self.coalition = self.membership.coalition
        self.random = random
        self.listening = False
        self.feeds: dict[FeedId, Feed] = {}
        self.beacons: dict[bytes, tuple[int, bytes]] = {}  # origin: sequence, SignedBeacon
        self.sessions: dict[Hashable, Session] = {}
        self.counters: Counter[str] = Counter()
        self.outbox: list[tuple[Hashable, bytes]] = []
        self.published: list[bytes] = []
        self.closing: list[tuple[Hashable, str]] = []
        self.proofs: list[list[Commit]] = []  # what was sent as evidence
        self.headers: dict[FeedId, list[Commit]] = {}  # what headers-only fetches brought
        self.nopes: list[link_pb2.Nope] = []
        self.missing_from: set[tuple[Hashable, FeedId, int]] = set()  # asked there already
        self.now_ms = 0  # wall clock; set by whoever drives
        self.beacon_due = False
        self._beacon_ms = 0

    # ---- what the node holds ----

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

    # ---- authoring ----

    def author(self, lane: int, bodies: Iterable[tuple[int, bytes, Optional[tuple[int, int, int]]]]) -> Commit:
        """Signs one commit of (type, body, target), appends it and tells everybody."""
        epoch = self.membership.newest(self.origin).body.epoch
        feed = self.check_feed(FeedId(self.origin, epoch, lane))
        drafts = [Draft(type_, body, self.random(16), target) for type_, body, target in bodies]
        time_ms = max(self.now_ms, feed.commits[-1].header.time_ms if feed.commits else 0)
        commit = make_commit(feed, drafts, self.keys, self.coalition, self.card_number, time_ms)
        feed.check_next([commit], self.membership)
        feed.append([commit])
        self._feed_moved(feed, [commit])
        self.beacon_due = True
        return commit

    def consent(self) -> Commit:
        body = commit_pb2.Consent(coalition=self.coalition, version=1)
        return self.author(0, [(CONSENT, body.SerializeToString(), None)])

    def put(self, record: bytes, target: Optional[tuple[int, int, int]] = None) -> Commit:
        return self.author(1, [(RECORD, record, target)])

    def _feed_moved(self, feed: Feed, commits: list[Commit]) -> None:
        if self.listening:
            self.published.append(publication_of(feed, commits))
        for session in self._open_sessions():
            for serving in session.serving.values():
                if serving.feed == feed.id:
                    serving.told_end = False
            if session.dialled:
                self.say(session, heads=link_pb2.Heads(heads=[feed.head.message()]))
            self._pump(session)

    # ---- sessions ----

    def _open_sessions(self) -> list[Session]:
        return [session for session in self.sessions.values() if session.state == OPEN]

    def say(self, session: Session, **body) -> None:
        self.outbox.append((session.link, wire.link_message(session.id, **body)))
        session.said_ms = self.now_ms

    def close(self, session: Session, reason: str, bye: bool = True) -> None:
        if session.state == OPEN and bye:
            self.say(session, bye=link_pb2.Bye(reason=NUMBERS[reason]))
        session.state = CLOSED
        self.sessions.pop(session.link, None)
        self.closing.append((session.link, reason))

    def dial(self, link: Hashable, server_key: bytes) -> Session:
        """A new connection to the holder of a transport key: says Hello."""
        session = Session(link, True, self.random(16), server_key, heard_ms=self.now_ms)
        self.sessions[link] = session
        hello = link_pb2.Hello(protocol_min=1, protocol_max=1, **self._greeting(session))
        self.say(session, hello=hello)
        return session

    def _greeting(self, session: Session) -> dict:
        roster = self.membership.roster
        cards = [
            link_pb2.CardNumber(origin=origin, number=len(cards)) for origin, cards in sorted(self.membership.cards.items())
        ]
        return {
            "coalition": self.coalition,
            "nonce": session.nonce,
            "roster_version": roster.body.version,
            "roster_hash": roster.hash,
            "cards": cards,
            "origin": self.origin,
        }

    def receive(self, link: Hashable, data: bytes, key: bytes) -> None:
        """One frame of a link; `key` is the transport key that CURVE names as its sender's."""
        session = self.sessions.get(link)
        if session is None:
            session = Session(link, False, self.random(16), key)
            self.sessions[link] = session
        session.heard_ms = self.now_ms
        try:
            self._take(session, data)
        except Refused as refused:
            self.counters[refused.reason] += 1
            self.close(session, refused.reason)

    def _take(self, session: Session, data: bytes) -> None:
        message = wire.read_link(data)
        kind = message.WhichOneof("body")
        if session.state == GREETING:
            expected = "welcome" if session.dialled else "hello"
            refuse_unless(kind in (expected, "bye"), "unexpected" if kind in GREETINGS else "no-hello", kind)
            session.id = message.session  # as claimed: what the greeting says decides
        elif kind != "hello" and message.session != session.id:
            self.counters["wrong-session"] += 1
            return
        else:
            refuse_unless(kind not in GREETINGS, "unexpected", kind)
        self._TABLE[kind](self, session, getattr(message, kind))

    def _check_greeting(self, session: Session, greeting) -> None:
        refuse_unless(greeting.coalition == self.coalition, "wrong-coalition")
        member = self.membership.roster.member(greeting.origin)
        card = self.membership.newest(greeting.origin)
        admitted = member and card and card.body.number >= member.min_card
        refuse_unless(admitted and card.body.transport_key == session.key, "not-a-member")
        session.peer = greeting.origin

    def _on_hello(self, session: Session, hello: link_pb2.Hello) -> None:
        self._check_greeting(session, hello)
        refuse_unless(hello.protocol_min <= 1 <= hello.protocol_max, "no-common-version")
        for older in [s for s in self._open_sessions() if s.peer == session.peer and not s.dialled]:
            self.close(older, "replaced")
        session.id = crypto.session_id(hello.nonce, session.nonce)
        welcome = link_pb2.Welcome(protocol=1, hello_nonce=hello.nonce, **self._greeting(session))
        self.say(session, welcome=welcome)
        self._ready(session, hello)

    def _on_welcome(self, session: Session, welcome: link_pb2.Welcome) -> None:
        refuse_unless(welcome.hello_nonce == session.nonce, "wrong-session")
        refuse_unless(session.id == crypto.session_id(session.nonce, welcome.nonce), "wrong-session")
        self._check_greeting(session, welcome)
        refuse_unless(welcome.protocol == 1, "no-common-version")
        self._ready(session, welcome)

    def _ready(self, session: Session, told) -> None:
        """What the other lacks, in the order of section 6."""
        session.state = OPEN
        rosters = self.membership.rosters[told.roster_version :]
        has = {entry.origin: entry.number for entry in told.cards}
        cards = [card for origin, held in sorted(self.membership.cards.items()) for card in held[has.get(origin, 0) :]]
        if rosters:
            self._say_cards(session, cards)
            self._say_rosters(session, rosters)
        self._say_cards(session, cards)
        for _, signed in self.beacons.values():
            self.say(session, beacons=link_pb2.Beacons(beacons=[link_pb2.SignedBeacon.FromString(signed)]))
        heads = [head.message() for head in self.heads()]
        for start in range(0, max(len(heads), 1), wire.HEADS_MOST):
            self.say(session, heads=link_pb2.Heads(heads=heads[start : start + wire.HEADS_MOST]))

    def _say_cards(self, session: Session, cards) -> None:
        for start in range(0, len(cards), wire.ITEMS_MOST):
            signed = [membership_pb2.SignedCard.FromString(c.signed) for c in cards[start : start + wire.ITEMS_MOST]]
            self.say(session, cards=link_pb2.Cards(cards=signed))

    def _say_rosters(self, session: Session, rosters) -> None:
        for roster in rosters:
            signed = membership_pb2.SignedRoster.FromString(roster.signed)
            self.say(session, rosters=link_pb2.Rosters(rosters=[signed]))

    # ---- rosters, cards, beacons ----

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

    def _on_rosters(self, session: Session, rosters: link_pb2.Rosters) -> None:
        self._pass_on("rosters", link_pb2.Rosters, self._each(rosters.rosters, self.membership.take_roster))

    def _on_cards(self, session: Session, cards: link_pb2.Cards) -> None:
        self._pass_on("cards", link_pb2.Cards, self._each(cards.cards, self.membership.take_card))

    def _pass_on(self, field: str, kind: type, items: list) -> None:
        for other in self._open_sessions() if items else []:
            self.say(other, **{field: kind(**{field: items})})

    def _on_want_cards(self, session: Session, want: link_pb2.WantCards) -> None:
        for wanted in want.cards:
            self._say_cards(session, self.membership.cards.get(wanted.origin, [])[wanted.number :])

    def take_beacon(self, signed: bytes) -> bool:
        """True where it is news; one that is no newer than what is held is nothing."""
        outer, beacon = read_beacon(signed)
        refuse_unless(beacon.coalition == self.coalition, "wrong-coalition")
        refuse_unless(self.membership.roster.member(beacon.origin), "unknown-origin")
        held = self.beacons.get(beacon.origin)
        if held and beacon.sequence <= held[0]:
            return False
        card = self.membership.card(beacon.origin, beacon.card_number)
        refuse_unless(card, "unknown-card")
        refuse_unless(card is self.membership.newest(beacon.origin), "beyond-cut")
        text = crypto.beacon_text(self.coalition, crypto.beacon_hash(outer.body))
        refuse_unless(crypto.holds(card.body.signing_key, text, outer.signature), "bad-signature")
        self.beacons[beacon.origin] = (beacon.sequence, signed)
        return True

    def _on_beacons(self, session: Session, beacons: link_pb2.Beacons) -> None:
        for item in self._each(beacons.beacons, self.take_beacon):
            self._spread_beacon(item, session)

    def _spread_beacon(self, signed: link_pb2.SignedBeacon, came_from: Optional[Session]) -> None:
        if self.listening:
            self.published.append(link_pb2.Publication(beacon=signed).SerializeToString())
        for session in self._open_sessions():
            if session.dialled and session is not came_from:
                self.say(session, beacons=link_pb2.Beacons(beacons=[signed]))

    def beacon(self, **fields) -> link_pb2.SignedBeacon:
        """This node's word on what it holds now, signed; fields can be overridden."""
        heads = [head for head in self.heads()]
        body = link_pb2.Beacon(
            coalition=self.coalition,
            origin=self.origin,
            sequence=max(self.now_ms, self.beacons.get(self.origin, (0, b""))[0] + 1),
            card_number=self.card_number,
            own=[head.message() for head in heads if head.feed.origin == self.origin],
            held=[head.message() for head in heads if head.feed.origin != self.origin],
        )
        for name, value in fields.items():
            setattr(body, name, value)
        data = body.SerializeToString()
        signature = crypto.sign(self.keys.signing, crypto.beacon_text(self.coalition, crypto.beacon_hash(data)))
        return link_pb2.SignedBeacon(body=data, signature=signature)

    # ---- following ----

    def _on_heads(self, session: Session, heads) -> None:
        for message in heads.heads:
            self._claimed(session, Head.of(message))

    def _on_ack(self, session: Session, ack: link_pb2.Ack) -> None:
        session.allowed.raise_to(ack.credit_limit)
        self._on_heads(session, ack)
        self._pump(session)

    def _claimed(self, session: Session, head: Head) -> None:
        session.heads[head.feed] = max(head.number, session.heads.get(head.feed, 0))
        try:
            self._plan(session, self.check_feed(head.feed))
        except Refused as refused:
            self.counters[refused.reason] += 1

    def _plan(self, session: Session, feed: Feed) -> None:
        """Fetches what the peer claims and this node lacks; its own feeds are its own."""
        behind = session.heads.get(feed.id, 0) > feed.head.number
        if behind and feed.id.origin != self.origin and not session.follows(feed.id):
            self.fetch(session, feed.id, standing=not session.dialled)

    def fetch(self, session: Session, feed: FeedId, standing: bool = False, headers_only: bool = False,
              after: Optional[Head] = None) -> int:
        following = Following(session.next_fetch(), feed, standing, headers_only)
        session.following[following.fetch] = following
        after = after or self.check_feed(feed).head
        request = link_pb2.Fetch(
            fetch=following.fetch,
            feed=feed.message(),
            after_number=after.number,
            after_hash=after.hash,
            credit_limit=session.granted.limit,
        )
        if standing:
            request.standing = True
        if headers_only:
            request.headers_only = True
        self.say(session, fetch=request)
        return following.fetch

    def _on_run_part(self, session: Session, part: link_pb2.RunPart) -> None:
        more = session.granted.charge(len(part.bytes), self.now_ms)
        if more:
            self.say(session, ack=link_pb2.Ack(credit_limit=session.granted.limit))
        following = session.following.get(part.fetch)
        if following is None:
            self.counters["stale"] += 1  # of a fetch that was ended while this was on its way
            return
        whole = session.assembly.add(part)
        if whole is None:
            return
        if not part.end or not following.standing:
            following = session.following.pop(part.fetch) if part.end else following
        self._take_run(session, following, whole)

    def _take_run(self, session: Session, following: Following, data: bytes) -> None:
        if data:
            try:
                feed, commits = read_run(data)
                refuse_unless(feed == following.feed, "unexpected")
                if following.headers_only:
                    self.headers.setdefault(feed, []).extend(commits)
                    return
                self.apply(commits)
            except Refused as refused:
                self.counters[refused.reason] += 1
                if session.following.pop(following.fetch, None):
                    self.say(session, end_fetch=link_pb2.EndFetch(fetch=following.fetch))
                return
            self.acknowledge(session, following.feed)
        self._plan(session, self.check_feed(following.feed))

    def acknowledge(self, session: Session, feed: FeedId) -> None:
        head = self.feeds[feed].head.message()
        self.say(session, ack=link_pb2.Ack(heads=[head], credit_limit=session.granted.limit))

    def apply(self, commits: list[Commit]) -> None:
        """The one function in which everything that arrives ends."""
        feed = self.check_feed(commits[0].feed)
        refuse_unless(not feed.stopped, "diverged")
        parting = feed.contradicted_by(commits)
        if parting:
            feed.check_contradiction(parting, self.membership)
            feed.stopped = True
            raise Refused("diverged")
        commits = [commit for commit in commits if commit.last > feed.head.number]
        if not commits:
            return
        feed.check_next(commits, self.membership)
        feed.append(commits)
        self._feed_moved(feed, commits)
        self._ask_for_missing(feed, commits)

    def take_publication(self, link: Hashable, topic: bytes, data: bytes) -> None:
        session = self.sessions.get(link)
        if session is None or session.state != OPEN:
            self.counters["no-hello"] += 1
            return
        session.heard_ms = self.now_ms
        try:
            message = wire.read_publication(self.coalition, topic, data)
            self._published(session, message, message.WhichOneof("body"))
        except Refused as refused:
            self.counters[refused.reason] += 1

    def _published(self, session: Session, message: link_pb2.Publication, kind: str) -> None:
        if kind == "beacon":
            if self.take_beacon(message.beacon.SerializeToString()):
                self._spread_beacon(message.beacon, session)
        elif kind == "head":
            self._claimed(session, Head.of(message.head))
        else:
            self._published_commit(session, read_published(message.run))

    def _published_commit(self, session: Session, commit: Commit) -> None:
        feed = self.check_feed(commit.feed)
        if commit.first > feed.head.number + 1:
            self._claimed(session, Head(commit.feed, commit.last, commit.hash))
            return
        self.apply([commit])
        self.acknowledge(session, feed.id)

    def _on_nope(self, session: Session, nope: link_pb2.Nope) -> None:
        self.counters[NAMES.get(nope.reason, "ok")] += 1
        self.nopes.append(nope)
        following = session.following.pop(nope.fetch, None)
        if following:
            session.heads.pop(following.feed, None)

    def _on_proof(self, session: Session, proof: link_pb2.Proof) -> None:
        try:
            _, commits = run_of(proof.run)
            self.proofs.append(commits)
            self.apply(commits)
        except Refused as refused:
            self.counters[refused.reason] += 1

    # ---- serving ----

    def _on_fetch(self, session: Session, fetch: link_pb2.Fetch) -> None:
        refuse_unless(fetch.fetch not in session.serving, "unexpected", "fetch")
        session.allowed.raise_to(fetch.credit_limit)
        serving = Serving(
            fetch.fetch, FeedId.of(fetch.feed), fetch.after_number, fetch.standing, fetch.headers_only
        )
        try:
            self._check_fetch(session, fetch)
        except Refused as refused:
            if refused.reason != "diverged":
                self.say(session, nope=link_pb2.Nope(fetch=fetch.fetch, reason=NUMBERS[refused.reason]))
            return
        session.serving[fetch.fetch] = serving
        self._pump(session)

    def _check_fetch(self, session: Session, fetch: link_pb2.Fetch) -> None:
        id_ = FeedId.of(fetch.feed)
        try:
            feed = self.check_feed(id_)
        except Refused as refused:
            raise Refused("not-allowed" if refused.reason == "not-allowed" else "unknown-feed") from None
        if fetch.after_number == 0:
            at, hash_ = None, feed.start
        else:
            at = feed.ending_at(fetch.after_number)
            refuse_unless(at, "out-of-order")
            hash_ = at.hash
        if hash_ != fetch.after_hash:
            self._say_diverged(session, fetch, feed, at, hash_)
            raise Refused("diverged")

    def _say_diverged(self, session: Session, fetch: link_pb2.Fetch, feed: Feed, at: Optional[Commit], hash_: bytes) -> None:
        if at:
            run = run_message(feed.run_after(at.first - 1), headers_only=True)
            if run.ByteSize() <= PROOF_MOST:
                self.say(session, proof=link_pb2.Proof(run=run))
        self.say(
            session,
            nope=link_pb2.Nope(
                fetch=fetch.fetch, reason=NUMBERS["diverged"], number=fetch.after_number, hash=hash_
            ),
        )

    def _on_end_fetch(self, session: Session, end: link_pb2.EndFetch) -> None:
        session.serving.pop(end.fetch, None)
        if session.sending and session.sending.serving.fetch == end.fetch:
            session.sending = None
        self._pump(session)

    def _pump(self, session: Session) -> None:
        """Sends what credit allows: one run at a time, lane 0 first."""
        while session.state == OPEN and (session.sending or self._begin(session)):
            piece = session.allowed.piece
            if not piece:
                return
            part = session.sending.next_part(piece)
            session.allowed.used += max(1024, len(part.bytes) + 128)
            self.say(session, run_part=part)
            if session.sending.done:
                self._sent(session, session.sending)

    def _begin(self, session: Session) -> bool:
        waiting = [serving for serving in session.serving.values() if not serving.told_end]
        if not waiting:
            return False
        serving = min(waiting, key=lambda one: one.feed.lane)
        feed = self.feeds[serving.feed]
        run = feed.run_after(serving.after)
        data = run_message(run, serving.headers_only).SerializeToString() if run else b""
        last = run[-1].last if run else serving.after
        session.sending = Sending(serving, data, end=last == feed.head.number, last_number=last)
        return True

    def _sent(self, session: Session, sending: Sending) -> None:
        session.sending = None
        sending.serving.after = sending.last_number
        if sending.end:
            sending.serving.told_end = True
            if not sending.serving.standing:
                session.serving.pop(sending.serving.fetch, None)

    # ---- payloads ----

    def _on_fetch_payload(self, session: Session, ask: link_pb2.FetchPayload) -> None:
        feed = self.feeds.get(FeedId.of(ask.feed))
        found = feed.holding(ask.number) if feed else None
        if not found:
            self.say(session, nope=link_pb2.Nope(fetch=ask.fetch, reason=NUMBERS["unknown-feed"]))
            return
        commit, place = found
        answer = link_pb2.PayloadFound(
            fetch=ask.fetch, feed=ask.feed, number=ask.number, payload=commit.payloads[place]
        )
        self.say(session, payload_found=answer)

    def _ask_for_missing(self, feed: Feed, commits: list[Commit]) -> None:
        for commit in commits:
            for place, payload in enumerate(commit.payloads):
                if payload.state == MISSING:
                    self.ask_payload(feed.id, commit.first + place)

    def ask_payload(self, feed: FeedId, number: int) -> None:
        """Of the first peer that says it holds the change and was not asked yet."""
        for session in self._open_sessions():
            asked = (session.link, feed, number)
            if session.heads.get(feed, 0) >= number and asked not in self.missing_from:
                self.missing_from.add(asked)
                ask = link_pb2.FetchPayload(fetch=session.next_fetch(), feed=feed.message(), number=number)
                self.say(session, fetch_payload=ask)
                return

    def _on_payload_found(self, session: Session, found: link_pb2.PayloadFound) -> None:
        feed = self.feeds.get(FeedId.of(found.feed))
        held = feed.holding(found.number) if feed else None
        if not held:
            return
        commit, place = held
        if found.payload.state != PRESENT:
            self.ask_payload(feed.id, found.number)
            return
        try:
            check_commitment(commit.header.changes[place], found.payload)
        except Refused as refused:
            self.counters[refused.reason] += 1
            return
        commit.payloads[place] = found.payload

    # ---- keeping a session ----

    def _on_ping(self, session: Session, ping: link_pb2.Ping) -> None:
        self.say(session, pong=link_pb2.Pong(token=ping.token))

    def _on_pong(self, session: Session, pong: link_pb2.Pong) -> None:
        pass

    def _on_bye(self, session: Session, bye: link_pb2.Bye) -> None:
        self.close(session, NAMES.get(bye.reason, "disconnected"), bye=False)

    def tick(self) -> None:
        """Pings, silence, beacons: as time goes."""
        for session in list(self.sessions.values()):
            if self.now_ms - session.heard_ms >= SILENT_MS:
                self.counters["silent"] += 1
                self.close(session, "silent")
            elif session.state == OPEN and self.now_ms - max(session.said_ms, session.heard_ms) >= PING_MS:
                self.say(session, ping=link_pb2.Ping(token=self.now_ms))
        wait_ms = BEACON_MS if self.beacon_due else BEACON_IDLE_MS
        if self.now_ms - self._beacon_ms >= wait_ms:
            self.tell_beacon()

    def tell_beacon(self) -> None:
        signed = self.beacon()
        self._beacon_ms, self.beacon_due = self.now_ms, False
        self.take_beacon(signed.SerializeToString())
        self._spread_beacon(signed, None)

    _TABLE = {
        "hello": _on_hello,
        "welcome": _on_welcome,
        "rosters": _on_rosters,
        "cards": _on_cards,
        "want_cards": _on_want_cards,
        "heads": _on_heads,
        "fetch": _on_fetch,
        "end_fetch": _on_end_fetch,
        "run_part": _on_run_part,
        "ack": _on_ack,
        "nope": _on_nope,
        "fetch_payload": _on_fetch_payload,
        "payload_found": _on_payload_found,
        "proof": _on_proof,
        "beacons": _on_beacons,
        "ping": _on_ping,
        "pong": _on_pong,
        "bye": _on_bye,
    }


# ---- beacons and publications ----


def read_beacon(signed: bytes) -> tuple[link_pb2.SignedBeacon, link_pb2.Beacon]:
    """What a beacon can be asked without knowing its origin; its signature is still unchecked."""
    outer = read_signed(link_pb2.SignedBeacon, signed, wire.SIGNED_BEACON)
    beacon = read_body(link_pb2.Beacon, outer.body, wire.BEACON)
    refuse_unless(len(beacon.own) + len(beacon.held) <= 160, "too-many", "heads")
    refuse_unless(all(head.feed.origin == beacon.origin for head in beacon.own), "bad-value", "own")
    return outer, beacon


def read_published(run: commit_pb2.Run) -> Commit:
    """What may be published: one commit with its own signature, of an open lane."""
    feed, commits = run_of(run)
    refuse_unless(len(commits) == 1, "too-many", "Publication.run")
    refuse_unless(commits[0].signature, "unsigned")
    refuse_unless(feed.lane <= 1, "not-allowed")
    return commits[0]


def publication_of(feed: Feed, commits: list[Commit]) -> bytes:
    if len(commits) == 1 and commits[0].signature and all(p.state == PRESENT for p in commits[0].payloads):
        data = link_pb2.Publication(run=run_message(commits)).SerializeToString()
        if len(data) <= wire.PUBLICATION_MOST:
            return data
    return link_pb2.Publication(head=feed.head.message()).SerializeToString()
