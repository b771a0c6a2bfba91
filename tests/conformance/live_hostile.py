"""What a member with bad intentions can send: each try is counted under its
reason, ends what it should end and no more. Docs/protocol.md, sections 2 to 7.

Every try has a member of its own, so that none is left alone for another's doing."""

from typing import Callable, Hashable

import zmq
from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import wire
from byhand import inner, number
from document import NUMBERS
from feed import Feed, FeedId
from link import Dialled, next_port
from membership import sign_card, sign_roster
from node import Node
from peer import Peer
from records import record


def _met(scene) -> tuple[str, Peer, Hashable]:
    code, peer = scene.newcomer()
    return code, peer, scene.meet_hub(peer)


def _ended(scene, peer: Peer, link: Hashable, reason: str) -> None:
    """The daemon has ended the session and said why."""
    scene.wait(lambda: link not in peer.node.sessions, f"the end of the session: {reason}")
    assert peer.node.counters[reason] == 1, peer.node.counters


# ---- greeting ----


class Mute(Node):
    """Says no Hello by itself."""

    def dial(self, link, server_key):
        session = super().dial(link, server_key)
        self.outbox.clear()
        return session


def a_message_before_hello(scene) -> None:
    _, peer = scene.newcomer(Mute)
    link = peer.dial("CRM", scene.hub_endpoint)
    ping = wire.link_message(bytes(16), ping=link_pb2.Ping(token=1))
    scene.wait_counted(scene.hub, "no-hello", lambda: peer.send_raw(link, ping))


def a_hello_in_anothers_name(scene) -> None:
    for reason, fields in (
        ("not-a-member", {"origin": scene.pyd.node.origin}),
        ("wrong-coalition", {"coalition": bytes(32)}),
        ("no-common-version", {"protocol_min": 2, "protocol_max": 3}),
    ):
        _, peer = scene.newcomer(Mute)
        link = peer.dial("CRM", scene.hub_endpoint)
        usual = {"protocol_min": 1, "protocol_max": 1, **peer.node._greeting(peer.session(link))}
        hello = link_pb2.Hello(**{**usual, **fields})
        scene.wait_counted(scene.hub, reason, lambda: peer.send_raw(link, wire.link_message(b"", hello=hello)))


def a_stranger_gets_no_answer(scene) -> None:
    """A key that no card names is refused in the handshake."""
    context = zmq.Context()
    strange = crypto.Keys.derived("a stranger")
    server = scene.pyd.session(scene.pyd_link).key
    link = Dialled(context, strange, scene.hub_endpoint, server, None)
    failed = link.dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH, "inproc://failed")
    scene.wait(lambda: failed.poll(0), "the handshake is refused")
    failed.close()
    link.close()
    context.term()


def another_sessions_message_is_dropped(scene) -> None:
    _, peer, link = _met(scene)
    other = wire.link_message(bytes(16), bye=link_pb2.Bye(reason=NUMBERS["stopping"]))
    scene.wait_counted(scene.hub, "wrong-session", lambda: peer.send_raw(link, other))
    peer.say(link, ping=link_pb2.Ping(token=1))
    scene.wait(lambda: peer.node.heard["pong"], "the session is still there")


# ---- bytes ----


def bytes_that_are_no_message(scene) -> None:
    session = bytes(16)
    ping = number(1, 1)

    def framed(body: bytes, tag: int = 17) -> bytes:
        return inner(1, session) + inner(tag, body)

    for reason, data in (
        ("truncated", framed(ping)[:-1]),
        ("bad-varint", framed(number(1, 1, pad=1))),
        ("bad-varint", framed(b"\x08" + b"\xff" * 10 + b"\x01")),
        ("bad-tag", framed(b"\x00\x01")),
        ("bad-wire-type", framed(inner(1, b"\x01"))),
        ("duplicate-field", framed(ping * 2)),
        ("unknown-message", inner(1, session) + inner(21, b"")),
        ("missing-field", framed(b"")),
        ("bad-length", inner(1, b"short") + inner(17, ping)),
        ("bad-value", framed(number(1, 0), tag=9)),
        ("too-many", framed(ping + number(9, 1) * 36_864)),
        ("too-big", framed(ping + inner(9, bytes(196_608)))),
    ):
        _, peer, link = _met(scene)
        scene.wait_counted(scene.hub, reason, lambda: peer.send_raw(link, data))
        _ended(scene, peer, link, reason)


def a_message_of_two_frames(scene) -> None:
    _, peer, link = _met(scene)
    data = wire.link_message(peer.session(link).id, ping=link_pb2.Ping(token=1))
    scene.wait_counted(scene.hub, "bad-frames", lambda: peer.dialled[link].dealer.send_multipart([data, data]))


def cards_that_are_none(scene) -> None:
    """Counted one by one; the session stays."""
    code, peer, link = _met(scene)
    keys, body = scene.fleet.keys[code], scene.fleet.cards[code].body.SerializeToString()
    name = body.index(b"Nodo ")

    def changed(put: bytes) -> bytes:
        return body[:name] + put + body[name + len(put) :]

    for reason, data in (
        ("bad-utf8", changed(b"\xc3(")),
        ("nul-in-text", changed(b"\0")),
        ("not-canonical", body[18:] + body[:18]),
        ("unknown-field", body + number(16, 1)),
    ):
        signed = membership_pb2.SignedCard.FromString(sign_card(keys, data))
        cards = link_pb2.Cards(cards=[signed])
        scene.wait_counted(scene.hub, reason, lambda: peer.say(link, cards=cards))
    peer.say(link, ping=link_pb2.Ping(token=1))
    scene.wait(lambda: peer.node.heard["pong"], "the session is still there")


# ---- fetching and credit ----


class Pouring(Node):
    """Sends its first run without minding credit or order: `pour` says which parts."""

    @staticmethod
    def pour(fetch: int) -> list[link_pb2.RunPart]:
        return []

    def pump(self, session) -> None:
        for serving in list(session.serving.values()):
            for part in self.pour(serving.fetch):
                self.say(session, run_part=part)
            del session.serving[serving.fetch]


def _pour(scene, reason: str, parts: Callable[[int], list[link_pb2.RunPart]], ends: bool = True) -> None:
    code, peer = scene.newcomer(type("Pours", (Pouring,), {"pour": staticmethod(parts)}))
    peer.node.put(record("uno"))

    def act() -> None:
        link = peer.dial("CRM", scene.hub_endpoint)
        if ends:
            _ended(scene, peer, link, reason)

    scene.wait_counted(scene.hub, reason, act)
    assert scene.holds(scene.hub, code) == 0


def more_than_the_credit(scene) -> None:
    _pour(scene, "over-credit", lambda n: [link_pb2.RunPart(fetch=n, index=0, bytes=bytes(8065))])
    _pour(scene, "over-credit", lambda n: [link_pb2.RunPart(fetch=n, index=i, bytes=bytes(16384)) for i in range(64)])


def parts_out_of_order(scene) -> None:
    _pour(scene, "bad-parts", lambda n: [link_pb2.RunPart(fetch=n, index=i, bytes=b"\0") for i in (0, 2)])
    _pour(scene, "bad-parts", lambda n: [link_pb2.RunPart(fetch=n, index=1, bytes=b"\0")])


def parts_of_a_fetch_that_nobody_opened(scene) -> None:
    _pour(scene, "stale", lambda n: [link_pb2.RunPart(fetch=n + 7, index=0, last=True, bytes=b"\0")], ends=False)


# ---- a run altered in each layer ----


class Altering(Node):
    """What it serves is not what it signed."""

    @staticmethod
    def alter(node, run: commit_pb2.Run) -> None:
        raise NotImplementedError

    def encode_run(self, run, headers_only: bool) -> bytes:
        message = commit_pb2.Run.FromString(super().encode_run(run, headers_only))
        self.alter(self, message)
        return message.SerializeToString()


def _resigned(node: Node, commit: commit_pb2.Commit, **fields) -> None:
    header = commit_pb2.CommitHeader.FromString(commit.header)
    for name, value in fields.items():
        setattr(header, name, value)
    commit.header = header.SerializeToString()
    text = crypto.commit_text(node.coalition, crypto.commit_hash(commit.header))
    commit.signature = crypto.sign(node.keys.signing, text)


def _other_coalition(node: Node, run: commit_pb2.Run) -> None:
    text = crypto.commit_text(bytes(32), crypto.commit_hash(run.commits[-1].header))
    run.commits[-1].signature = crypto.sign(node.keys.signing, text)


def _unsigned(node: Node, run: commit_pb2.Run) -> None:
    run.commits[-1].ClearField("signature")


def _without_payload(node: Node, run: commit_pb2.Run) -> None:
    del run.commits[0].payloads[:]


def _set(target: Callable, name: str, value) -> Callable:
    return lambda node, run: setattr(target(run), name, value)


LAYERS = (
    ("bad-commitment", _set(lambda run: run.commits[0].payloads[0], "body", b"otra cosa")),
    ("bad-commitment", _set(lambda run: run.commits[0].payloads[0], "salt", bytes(16))),
    ("bad-signature", _set(lambda run: run.commits[-1], "signature", bytes(64))),
    ("bad-signature", _other_coalition),
    ("unsigned", _unsigned),
    ("missing-field", _without_payload),
    ("broken-chain", lambda node, run: _resigned(node, run.commits[0], previous=bytes(32))),
    ("broken-chain", lambda node, run: _resigned(node, run.commits[1], previous=bytes(32))),
    ("out-of-order", lambda node, run: _resigned(node, run.commits[0], first_number=5)),
    ("time-backwards", lambda node, run: _resigned(node, run.commits[1], time_ms=1)),
    ("unknown-card", lambda node, run: _resigned(node, run.commits[1], card_number=2)),
    ("too-new", lambda node, run: _resigned(node, run.commits[0], header_version=2)),
    ("bad-value", lambda node, run: _resigned(node, run.commits[0], lane=0)),
)


def a_run_altered_in_each_layer(scene) -> None:
    for reason, alter in LAYERS:
        code, peer = scene.newcomer(type("Alters", (Altering,), {"alter": staticmethod(alter)}))
        peer.node.put(record("uno"))
        peer.node.put(record("dos"))
        scene.wait_counted(scene.hub, reason, lambda: scene.meet_hub(peer))
        assert scene.holds(scene.hub, code) == 0, reason
        peer.node.alter = lambda node, run: None
        scene.mended.append(code)


class Quiet(Node):
    """Answers, and says nothing of its own accord."""

    def _tick_session(self, session, quiet_ms: int) -> None:
        pass


def a_daemon_pings_whoever_is_quiet(scene) -> None:
    _, peer = scene.newcomer(Quiet)
    link = scene.meet_hub(peer)
    scene.wait(lambda: peer.node.heard["ping"] > 0, "a Ping")
    assert link in peer.node.sessions


def what_was_refused_is_asked_for_again(scene) -> None:
    """Fifteen seconds later, of the same sources, that are honest by now."""
    scene.wait(lambda: all(scene.holds(scene.hub, code) == 2 for code in scene.mended), "all of them", 60)


# ---- heads, beacons, rosters ----


def a_claim_that_is_not_met(scene) -> None:
    _, peer = scene.newcomer()
    peer.node.put(record("uno"))
    link = scene.meet_hub(peer)
    head = peer.node.feeds[FeedId(peer.node.origin, 1, 1)].head._replace(number=9, hash=bytes(32))

    def claim() -> None:
        peer.say(link, heads=link_pb2.Heads(heads=[head.message()]))

    scene.wait_counted(scene.hub, "claim-unmet", claim)


def heads_of_feeds_that_cannot_be(scene) -> None:
    _, peer, link = _met(scene)
    for reason, feed in (
        ("unknown-origin", FeedId(bytes(16), 1, 1)),
        ("wrong-epoch", FeedId(peer.node.origin, 4, 1)),
        ("not-allowed", FeedId(peer.node.origin, 1, 2)),
    ):
        head = commit_pb2.Head(feed=feed.message(), number=1, hash=bytes(32))
        scene.wait_counted(scene.hub, reason, lambda: peer.say(link, heads=link_pb2.Heads(heads=[head])))


def beacons_that_are_not_believed(scene) -> None:
    _, peer, link = _met(scene)
    node = peer.node
    forged = node.beacon()
    forged.signature = bytes(64)

    def say(beacon) -> None:
        peer.say(link, beacons=link_pb2.Beacons(beacons=[beacon]))

    for reason, beacon in (
        ("bad-signature", forged),
        ("wrong-coalition", node.beacon(coalition=bytes(32))),
        ("unknown-card", node.beacon(card_number=3)),
        ("bad-value", node.beacon(sequence=0)),
    ):
        scene.wait_counted(scene.hub, reason, lambda: say(beacon))


def pulses_that_are_not_believed(scene) -> None:
    """One that leads nowhere is counted; of a beacon that is not there, whoever names it is asked."""
    _, peer, link = _met(scene)
    node = peer.node
    node.tell_beacon()
    sequence = node.sequence

    def say(**fields) -> None:
        usual = {"origin": node.origin, "sequence": sequence, "step": 3, "preimage": bytes(16)}
        peer.say(link, beacons=link_pb2.Beacons(pulses=[link_pb2.Pulse(**{**usual, **fields})]))

    scene.wait_counted(scene.hub, "bad-signature", say)
    scene.wait_counted(scene.hub, "unknown-origin", lambda: say(origin=bytes(16)))
    asked = node.heard["want_beacons"]
    say(sequence=sequence + 1)
    scene.wait(lambda: node.heard["want_beacons"] > asked, "CRM asks for the beacon")


def a_stale_beacon_is_passed_over(scene) -> None:
    """An older word does not take the place of a newer one, and is not passed on."""
    _, peer, link = _met(scene)
    node, held, seen = peer.node, scene.pyd.node.beacons, []
    words = {name: node.beacon(sequence=node.now_ms + wait) for name, wait in (("older", 1000), ("newer", 2000), ("newest", 3000))}
    for name in ("newer", "older", "newest"):
        peer.say(link, beacons=link_pb2.Beacons(beacons=[words[name]]))

    def passed_on() -> bool:
        seen.append(held.get(node.origin, (0, b""))[0])
        return seen[-1] == _sequence(words["newest"])

    scene.wait(passed_on, "the newest is passed on")
    assert _sequence(words["older"]) not in seen


def _sequence(beacon: link_pb2.SignedBeacon) -> int:
    return link_pb2.Beacon.FromString(beacon.body).sequence


def rosters_without_votes(scene) -> None:
    code, peer, link = _met(scene)
    charter = peer.node.membership.roster
    body = membership_pb2.Roster()
    body.CopyFrom(charter.body)
    body.ClearField("creator")
    body.version, body.previous, body.name = 2, charter.hash, "Otra"
    voter = [(scene.fleet.keys[code], scene.fleet.cards[code])]
    skips = membership_pb2.Roster()
    skips.CopyFrom(body)
    skips.version = 3
    for reason, data, voters in (
        ("too-few-signatures", body, voter),
        ("too-few-signatures", body, voter * 2),
        ("bad-roster", skips, voter),
    ):
        signed = membership_pb2.SignedRoster.FromString(sign_roster(peer.node.coalition, data, voters))
        rosters = link_pb2.Rosters(rosters=[signed])
        scene.wait_counted(scene.hub, reason, lambda: peer.say(link, rosters=rosters))
    assert scene.hub.status()["node"]["roster_version"] == 1


def too_many_subscriptions(scene) -> None:
    _, peer, link = _met(scene)

    def subscribe() -> None:
        for place in range(80):
            peer.dialled[link].sub.subscribe(place.to_bytes(2, "big"))
        peer.dialled[link].sub.connect(next_port(scene.hub_endpoint))

    scene.wait_counted(scene.hub, "too-many-subscriptions", subscribe)


# ---- a fork of its own feed ----


def a_fork_at_a_given_number(scene) -> None:
    """Three changes; then, from the third on, others. The feed stops, what was shown stays."""
    code, first = scene.newcomer()
    for key in ("uno", "dos", "tres"):
        first.node.put(record(key))
    link = scene.meet_hub(first)
    scene.wait(lambda: scene.holds(scene.hub, code) == 3, "CRM holds three")
    feed = first.node.feeds[FeedId(first.node.origin, 1, 1)]
    scene.wait(lambda: feed.id in scene.pyd.node.feeds and scene.pyd.node.feeds[feed.id].head == feed.head, "so does PYD")
    first.hang_up(link)

    second = scene.fleet.peer(code)
    second.node.feeds[feed.id] = Feed(feed.id, feed.start, list(feed.commits[:2]))
    for key in ("otro", "y otro"):
        second.node.put(record(key))
    before = scene.hub.count("diverged")
    scene.meet_hub(second)

    def stopped() -> dict:
        feeds = scene.hub.status()["feeds"]
        return next(f for f in feeds if f["node"] == code and f["lane"] == 1 and f["why"] == "diverged")

    scene.wait(lambda: scene.hub.count("diverged") > before, "CRM counts it")
    state = stopped()
    assert (state["state"], state["number"]) == ("stopped", 3), state
    assert scene.shown(scene.hub, f"{code}:3")["key"] == "tres"
    scene.wait(lambda: scene.pyd.node.feeds[feed.id].stopped, "PYD is sent the proof")
    assert scene.pyd.node.feeds[feed.id].head == feed.head


TESTS = [
    a_run_altered_in_each_layer,
    a_message_before_hello,
    a_hello_in_anothers_name,
    a_stranger_gets_no_answer,
    another_sessions_message_is_dropped,
    bytes_that_are_no_message,
    a_message_of_two_frames,
    cards_that_are_none,
    more_than_the_credit,
    parts_out_of_order,
    parts_of_a_fetch_that_nobody_opened,
    a_claim_that_is_not_met,
    heads_of_feeds_that_cannot_be,
    beacons_that_are_not_believed,
    pulses_that_are_not_believed,
    a_stale_beacon_is_passed_over,
    rosters_without_votes,
    too_many_subscriptions,
    a_fork_at_a_given_number,
    a_daemon_pings_whoever_is_quiet,
    what_was_refused_is_asked_for_again,
]
