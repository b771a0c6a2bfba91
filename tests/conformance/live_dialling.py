"""The peer dials a daemon: it follows, serves what it writes, asks and is asked."""

from enlace.v1 import link_pb2, membership_pb2

import crypto
from document import NUMBERS
from feed import MISSING, FeedId, Head
from membership import make_card, sign_roster
from node import Node
from records import record


def _hub_feed(scene, lane: int = 1) -> FeedId:
    roster = scene.pyd.node.membership.roster
    hub = next(member for member in roster.body.members if member.code == "CRM")
    return FeedId(hub.origin, 1, lane)


def joins(scene) -> None:
    scene.pyd_link = scene.meet_hub(scene.pyd, subscribe=True)
    node = scene.pyd.node
    assert crypto.eight_words(node.coalition) == scene.fleet.words
    assert scene.hub.status()["node"]["coalition_id"] == node.coalition.hex()


def follows_by_fetch_in_parts(scene) -> None:
    scene.in_step(scene.pyd)
    node = scene.pyd.node
    hub = _hub_feed(scene).origin
    assert sum(held.created.origin == hub for held in node.records()) == 300
    assert node.heard["run_part"] > 10, node.heard
    assert not node.counters, node.counters


class Plain(Node):
    """Takes no packed runs."""

    packings = 0


class Packing(Node):
    """Packs all that it serves to who takes it."""

    packs = True


def packed_runs_for_who_takes_them(scene) -> None:
    """Of a link that it does not know the daemon packs what does not go at once."""
    for node_class, wanted in ((Node, True), (Plain, False)):
        _, peer = scene.newcomer(node_class)
        scene.meet_hub(peer)
        scene.in_step(peer)
        assert (peer.node.unpacked > 0) == wanted, peer.node.unpacked
        assert not peer.node.counters, peer.node.counters


def a_packed_feed_is_taken(scene) -> None:
    code, peer = scene.newcomer(Packing)
    for place in range(20):
        peer.node.put(record(f"empacado{place}", "Ejemplo " * 40))
    scene.meet_hub(peer)
    scene.wait(lambda: scene.holds(scene.hub, code) == 20, f"all of {code}'s")
    assert scene.listed(scene.hub, "empacado19")["node"] == code
    assert peer.node.packed, "it went as it is"
    scene.in_step(scene.pyd)


def every_signature_link_and_commitment_holds(scene) -> None:
    """Once more from the beginning, over all that is held."""
    node = scene.pyd.node
    for feed in node.feeds.values():
        again = type(feed)(feed.id, feed.start)
        for commit in feed.commits:
            before, again.commits = again.head, [*again.commits, commit]
            assert (commit.first, commit.header.previous) == (before.number + 1, before.hash)
            key = node.membership.signing_key(feed.id.origin, commit.header.card_number)
            assert not commit.signature or commit.signed_by(key, node.coalition)
            for change, payload in zip(commit.header.changes, commit.payloads):
                assert crypto.commitment(payload.salt, payload.body) == change.commitment
        assert feed.commits[-1].signature


def follows_by_publication(scene) -> None:
    session = scene.pyd.session(scene.pyd_link)
    fetches = session.last_fetch
    scene.hub.enlace("put", "body", "key=publicado", "name=es:Publicado", "example=true")
    scene.in_step(scene.pyd)
    assert session.last_fetch == fetches


def its_own_feed_is_taken_and_shown(scene) -> None:
    node = scene.pyd.node
    node.consent()
    node.put(record("propio"))
    node.put(record("propio", "Revisado"), (1, 1, 1))
    node.put(record("retirado"))
    node.retract((1, 1, 3))
    scene.in_step(scene.pyd)
    shown = scene.hub.enlace("show", "@PYD:propio")
    assert "Revisado" in shown and "PYD:1" in shown, shown
    assert scene.listed(scene.hub, "propio")["revision"] == 2
    assert scene.shown(scene.hub, "PYD:3")["state"] == "retracted"
    assert scene.listed(scene.hub, "retirado") is None


def what_it_writes_goes_on_the_standing_fetch(scene) -> None:
    fetches = scene.pyd.node.heard["fetch"]
    scene.pyd.node.put(record("despues"))
    scene.in_step(scene.pyd)
    assert scene.pyd.node.heard["fetch"] == fetches
    assert any(serving.standing for serving in scene.pyd.session(scene.pyd_link).serving.values())


def its_beacon_is_taken(scene) -> None:
    node = scene.pyd.node
    node.tell_beacon()
    hub = _hub_feed(scene).origin
    scene.wait(lambda: hub in node.beacons, "CRM's beacon")
    body = link_pb2.SignedBeacon.FromString(node.beacons[hub][1]).body
    assert all(head.feed.origin == hub for head in link_pb2.Beacon.FromString(body).own)

    def heard() -> bool:
        peers = scene.hub.status()["peers"]
        return any(peer["code"] == "PYD" and "beacon_age_ms" in peer for peer in peers)

    scene.wait(heard, "CRM has PYD's beacon")


def its_pulse_is_taken_for_a_word(scene) -> None:
    """After a beacon it says "as before", which CRM hears as it hears a beacon."""
    node = scene.pyd.node

    def age_ms() -> int:
        return next(peer["beacon_age_ms"] for peer in scene.hub.status()["peers"] if peer["code"] == "PYD")

    node.tell_beacon()
    scene.wait(lambda: age_ms() > 2_000, "PYD's word grows old")
    asked = node.heard["want_beacons"]
    node.tell_beacon()
    assert node.pulses[node.origin].step >= 1, "nothing had changed"
    scene.wait(lambda: age_ms() < 2_000, "PYD's pulse is heard")
    assert node.heard["want_beacons"] == asked


def serves_a_big_feed_within_its_credit(scene) -> None:
    code, peer = scene.newcomer()
    for place in range(60):
        peer.node.put(record(f"grande{place}", "largo " * 1000))
    link = scene.meet_hub(peer)
    scene.wait(lambda: scene.holds(scene.hub, code) == 60, "CRM holds it all")
    allowed = peer.session(link).allowed
    assert allowed.limit > 300_000 and allowed.used <= allowed.limit


def its_own_feed_comes_back(scene) -> None:
    """A node that has lost everything is told of its own feeds, and fetches them."""
    code, peer = scene.newcomer()
    peer.node.put(record("uno"))
    peer.node.put(record("dos"))
    link = scene.meet_hub(peer)
    scene.wait(lambda: scene.holds(scene.hub, code) == 2, "CRM holds it")
    peer.hang_up(link)
    again = scene.fleet.peer(code)
    scene.meet_hub(again)
    own = FeedId(again.node.origin, 1, 1)
    scene.wait(lambda: own in again.node.feeds and again.node.feeds[own].head.number == 2, "its own feed")
    assert again.node.feeds[own].head == peer.node.feeds[own].head
    assert again.node.fence == "own-later-commit"


def headers_alone(scene) -> None:
    node, feed = scene.pyd.node, _hub_feed(scene)
    start = Head(feed, 0, node.feeds[feed].start)
    node.fetch(scene.pyd.session(scene.pyd_link), feed, headers_only=True, after=start)
    held = node.feeds[feed]
    scene.wait(lambda: node.headers.get(feed, [])[-1:] and node.headers[feed][-1].hash == held.head.hash, "all headers")
    assert [commit.hash for commit in node.headers[feed]] == [commit.hash for commit in held.commits]
    assert all(payload.state == MISSING for commit in node.headers[feed] for payload in commit.payloads)


def a_payload_alone(scene) -> None:
    """Fetched again after it was lost here."""
    node, feed = scene.pyd.node, scene.pyd.node.feeds[_hub_feed(scene)]
    commit = feed.commits[0]
    lost, commit.payloads[0] = commit.payloads[0], type(commit.payloads[0])(state=MISSING)
    ask = link_pb2.FetchPayload(fetch=9_000, feed=feed.id.message(), number=1)
    scene.pyd.say(scene.pyd_link, fetch_payload=ask)
    scene.wait(lambda: commit.payloads[0].state != MISSING, "the payload")
    assert commit.payloads[0] == lost
    assert "bad-commitment" not in node.counters


class Withholding(Node):
    """Its runs come without payloads; asked for one, it has it."""

    def encode_run(self, run, headers_only: bool) -> bytes:
        return super().encode_run(run, True)


def the_daemon_asks_for_what_it_misses(scene) -> None:
    code, peer = scene.newcomer(Withholding)
    peer.node.put(record("callado", "Dicho al fin"))
    scene.meet_hub(peer)
    scene.wait(lambda: peer.node.heard["fetch_payload"] > 0, "CRM asks for the payload")
    scene.wait(lambda: scene.listed(scene.hub, "callado"), "CRM shows it")
    assert "Dicho al fin" in scene.hub.enlace("show", f"@{code}:callado")


def what_cannot_be_fetched(scene) -> None:
    node, session = scene.pyd.node, scene.pyd.session(scene.pyd_link)
    feed, held = _hub_feed(scene), scene.pyd.node.feeds[_hub_feed(scene)]
    within = next(commit for commit in held.commits if commit.last > commit.first)
    stranger = FeedId(bytes(16), 1, 1)

    def refused(reason: str, feed: FeedId, number: int, hash_: bytes) -> link_pb2.Nope:
        seen = len(node.nopes)
        node.fetch(session, feed, after=Head(feed, number, hash_))
        scene.wait(lambda: len(node.nopes) > seen, f"a Nope: {reason}")
        assert node.nopes[-1].reason == NUMBERS[reason], node.nopes[-1]
        return node.nopes[-1]

    refused("unknown-feed", stranger, 0, bytes(32))
    refused("unknown-feed", feed._replace(epoch=7), 0, bytes(32))
    refused("not-allowed", feed._replace(lane=2), 0, bytes(32))
    refused("out-of-order", feed, within.first, bytes(32))
    proofs = len(node.proofs)
    nope = refused("diverged", feed, within.last, bytes(32))
    assert (nope.number, nope.hash) == (within.last, within.hash)
    assert node.proofs[proofs][0].hash == within.hash


def a_ping_is_answered(scene) -> None:
    pongs = scene.pyd.node.heard["pong"]
    scene.pyd.say(scene.pyd_link, ping=link_pb2.Ping(token=77))
    scene.wait(lambda: scene.pyd.node.heard["pong"] > pongs, "Pong")


def cards_are_told_when_asked(scene) -> None:
    node, heard = scene.pyd.node, scene.pyd.node.heard["cards"]
    wanted = [link_pb2.CardNumber(origin=_hub_feed(scene).origin, number=0)]
    scene.pyd.say(scene.pyd_link, want_cards=link_pb2.WantCards(cards=wanted))
    scene.wait(lambda: node.heard["cards"] > heard, "Cards")


def a_newer_session_takes_the_place_of_the_older(scene) -> None:
    _, peer = scene.newcomer()
    older = scene.meet_hub(peer)
    newer = scene.meet_hub(peer)
    scene.wait(lambda: older not in peer.node.sessions, "the older one ends")
    assert peer.node.counters["replaced"] == 1
    assert newer in peer.node.sessions


def a_new_key_opens_and_the_old_one_no_more(scene) -> None:
    code, peer = scene.newcomer()
    link = scene.meet_hub(peer)
    old = scene.fleet.keys[code]
    new = crypto.Keys(old.root, old.signing, crypto.Keys.derived("another").transport, old.sealing)
    card = make_card(new, code, scene.fleet.cards[code])
    peer.node.membership.take_card(card.signed)
    signed = membership_pb2.SignedCard.FromString(card.signed)
    peer.say(link, cards=link_pb2.Cards(cards=[signed]))
    scene.wait(lambda: link not in peer.node.sessions, "the old key's session ends")
    scene.fleet.keys[code] = new
    again = scene.fleet.peer(code)
    again.node.membership.take_card(card.signed)
    scene.meet_hub(again)


def a_roster_with_votes_is_taken(scene) -> None:
    """Votes of two members whose keys are here; the roster gets another name."""
    node = scene.pyd.node
    body = membership_pb2.Roster()
    body.CopyFrom(node.membership.roster.body)
    body.ClearField("creator")
    body.version, body.previous, body.name = 2, node.membership.roster.hash, "Coalición, versión 2"
    voters = [(scene.fleet.keys[code], scene.fleet.cards[code]) for code in ("PYD", "PYL")]
    signed = membership_pb2.SignedRoster.FromString(sign_roster(node.coalition, body, voters))
    scene.pyd.say(scene.pyd_link, rosters=link_pb2.Rosters(rosters=[signed]))
    scene.wait(lambda: scene.hub.status()["node"]["roster_version"] == 2, "CRM has version 2")
    scene.wait(lambda: node.membership.roster.body.version == 2, "CRM passes it on")


def a_daemon_that_stops_says_so(scene) -> None:
    said = scene.pyd.node.counters["stopping"]
    assert scene.hub.stop() == 0
    scene.wait(lambda: scene.pyd.node.counters["stopping"] > said, "Bye: stopping")
    scene.hub.start()
    scene.pyd_link = scene.meet_hub(scene.pyd, subscribe=True)
    scene.in_step(scene.pyd)


TESTS = [
    the_daemon_asks_for_what_it_misses,  # while nobody else can be asked
    joins,
    follows_by_fetch_in_parts,
    every_signature_link_and_commitment_holds,
    follows_by_publication,
    its_own_feed_is_taken_and_shown,
    what_it_writes_goes_on_the_standing_fetch,
    its_beacon_is_taken,
    its_pulse_is_taken_for_a_word,
    serves_a_big_feed_within_its_credit,
    its_own_feed_comes_back,
    headers_alone,
    a_payload_alone,
    what_cannot_be_fetched,
    a_ping_is_answered,
    cards_are_told_when_asked,
    a_newer_session_takes_the_place_of_the_older,
    a_new_key_opens_and_the_old_one_no_more,
    packed_runs_for_who_takes_them,
    a_packed_feed_is_taken,
]
def takes_the_pulses_of_others(scene) -> None:
    """CRM has nothing new to say for a minute: its word is a pulse, by its chain."""
    node, hub = scene.pyd.node, _hub_feed(scene).origin
    seen = dict(node.counters)
    scene.wait(lambda: hub in node.pulses, "CRM's pulse", seconds=140)
    assert node.pulses[hub].sequence == node.beacons[hub][0]
    assert node.counters["bad-signature"] == seen.get("bad-signature", 0)


LAST = [takes_the_pulses_of_others, a_roster_with_votes_is_taken, a_daemon_that_stops_says_so]
