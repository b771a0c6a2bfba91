"""Vectors of link messages and publications: which are taken, and which are
refused for what. Reasons are written here by hand, from docs/protocol.md
sections 2 and 10."""

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import fixture as f
import wire
from byhand import Pieces, case, having, inner, number, varint, without
from feed import FeedId, run_message

SESSION = bytes(range(16))
FEED = FeedId(f.ORIGINS["GT"], 1, 1)
HASH = crypto.commit_hash(b"")

# ---- link messages ----

GREETING = dict(
    coalition=f.COALITION_ID,
    nonce=bytes(16),
    roster_version=1,
    roster_hash=f.COALITION_ID,
    cards=[link_pb2.CardNumber(origin=f.ORIGINS["GT"], number=1)],
    origin=f.ORIGINS["GT"],
)
HEAD = commit_pb2.Head(feed=FEED.message(), number=3, hash=HASH)
PRESENT = commit_pb2.Payload(state=1, salt=bytes(16), body=f.record("uno"))
SIGNED_ROSTER = membership_pb2.SignedRoster.FromString(f.SIGNED_CHARTER)
SIGNED_CARD = membership_pb2.SignedCard.FromString(f.CARDS["GT"].signed)


def _proof() -> link_pb2.Proof:
    return link_pb2.Proof(run=run_message([f.Author("GT").put("uno")], headers_only=True))


def beacon_of(code: str = "GT", **fields) -> link_pb2.SignedBeacon:
    return f.node(code).beacon(**fields)


PULSE = link_pb2.Pulse(origin=f.ORIGINS["GT"], sequence=2**53, step=256, preimage=bytes(16))

BODIES = {
    "hello": link_pb2.Hello(protocol_min=1, protocol_max=2, **GREETING),
    "welcome": link_pb2.Welcome(protocol=1, hello_nonce=bytes(16), **GREETING),
    "rosters": link_pb2.Rosters(rosters=[SIGNED_ROSTER]),
    "cards": link_pb2.Cards(cards=[SIGNED_CARD, SIGNED_CARD]),
    "want_cards": link_pb2.WantCards(cards=[link_pb2.CardNumber(origin=f.ORIGINS["HN"], number=0)]),
    "heads": link_pb2.Heads(heads=[HEAD, commit_pb2.Head(feed=FEED.message(), number=0, hash=HASH)]),
    "fetch": link_pb2.Fetch(
        fetch=1, feed=FEED.message(), after_number=0, after_hash=HASH, standing=True, headers_only=True, credit_limit=8192
    ),
    "end_fetch": link_pb2.EndFetch(fetch=2**32 - 1),
    "run_part": link_pb2.RunPart(fetch=1, index=0, last=True, end=True, bytes=b"\x01\x02"),
    "ack": link_pb2.Ack(heads=[HEAD], credit_limit=2**53),
    "nope": link_pb2.Nope(fetch=1, reason=43, number=3, hash=HASH),
    "fetch_payload": link_pb2.FetchPayload(fetch=7, feed=FEED.message(), number=1),
    "payload_found": link_pb2.PayloadFound(fetch=7, feed=FEED.message(), number=1, payload=PRESENT),
    "proof": _proof(),
    "beacons": link_pb2.Beacons(beacons=[beacon_of()], pulses=[PULSE]),
    "ping": link_pb2.Ping(token=2**64 - 1),
    "pong": link_pb2.Pong(token=1),
    "bye": link_pb2.Bye(reason=97),
    "want_beacons": link_pb2.WantBeacons(origins=[f.ORIGINS["GT"], f.ORIGINS["HN"]]),
}


def link(kind: str, body) -> bytes:
    return wire.link_message(b"" if kind == "hello" else SESSION, **{kind: body})


def framed(tag: int, body: bytes) -> bytes:
    """A link message with a body made by hand; 17 is Ping."""
    return inner(1, SESSION) + inner(tag, body)


def _links_taken() -> list[dict]:
    cases = [case("link", f"a {kind}", link(kind, body), "ok") for kind, body in BODIES.items()]
    bare = {
        "fetch": without(without(BODIES["fetch"], "standing"), "headers_only"),
        "run_part": link_pb2.RunPart(fetch=1, index=3, bytes=b"\x01"),
        "ack": link_pb2.Ack(),
        "nope": link_pb2.Nope(fetch=1, reason=57),
        "heads": link_pb2.Heads(),
        "payload_found": link_pb2.PayloadFound(
            fetch=7, feed=FEED.message(), number=1, payload=commit_pb2.Payload(state=3)
        ),
    }
    # Encoded again, what is false may be there.
    cases += [case("link", f"a {kind} without what may be absent", link(kind, body), "ok", lossy=True) for kind, body in bare.items()]
    empty_end = link_pb2.RunPart(fetch=1, index=0, last=True, end=True, bytes=b"")
    cases.append(case("link", "an empty part that ends", link("run_part", empty_end), "ok"))
    return cases


def _passed_over() -> list[dict]:
    """What a higher version may add. It is taken; written again it is gone."""
    ping = number(1, 1)
    return [
        case("link", "an unknown field beside the body", framed(17, ping) + number(100, 5), "ok", lossy=True),
        case("link", "an unknown field in the body", framed(17, ping + inner(9, b"\xff\xfe")), "ok", lossy=True),
        case("link", "an unknown field of 64 bits", framed(17, ping + varint(9 << 3 | 1) + bytes(8)), "ok", lossy=True),
        case("link", "an unknown field of 32 bits", framed(17, ping + varint(9 << 3 | 5) + bytes(4)), "ok", lossy=True),
        case("link", "an unknown field twice", framed(17, ping + number(9, 1) + number(9, 1)), "ok", lossy=True),
        case("link", "fields in another order", inner(17, ping) + inner(1, SESSION), "ok", lossy=True),
    ]


def _links_malformed() -> list[dict]:
    ping = framed(17, number(1, 1))
    fetch = BODIES["fetch"].SerializeToString()
    cases = [
        case("link", "nothing", b"", "unknown-message"),
        case("link", "a session alone", inner(1, SESSION), "unknown-message"),
        case("link", "a body of an unknown type", inner(1, SESSION) + inner(21, b""), "unknown-message"),
        case("link", "cut in a tag", inner(1, SESSION) + b"\x8a", "truncated"),
        case("link", "cut in a length", inner(1, SESSION) + varint(17 << 3 | 2) + b"\x80", "truncated"),
        case("link", "cut in a varint", framed(17, b"\x08\x80"), "truncated"),
        case("link", "a length beyond the end", ping[:-3] + b"\x03\x08\x01", "truncated"),
        case("link", "an inner length beyond the inner end", framed(17, b"\x4a\x05ab"), "truncated"),
        case("link", "a length of 2^64 - 1", inner(1, SESSION) + varint(17 << 3 | 2) + varint(2**64 - 1), "truncated"),
        case("link", "64 bits cut short", framed(17, number(1, 1) + varint(9 << 3 | 1) + bytes(7)), "truncated"),
        case("link", "a padded varint", framed(17, number(1, 1, pad=1)), "bad-varint"),
        case("link", "a padded zero", framed(17, number(1, 0, pad=1)), "bad-varint"),
        case("link", "a padded tag", inner(1, SESSION) + b"\x8a\x81\x00" + b"\x02\x08\x01", "bad-varint"),
        case("link", "a padded length", inner(1, SESSION) + varint(17 << 3 | 2) + varint(2, pad=2) + b"\x08\x01", "bad-varint"),
        case("link", "a varint of eleven bytes", framed(17, b"\x08" + b"\xff" * 10 + b"\x01"), "bad-varint"),
        case("link", "a varint above 2^64 - 1", framed(17, b"\x08" + b"\xff" * 9 + b"\x02"), "bad-varint"),
        case("link", "a uint32 above 2^32 - 1", framed(9, number(1, 2**32)), "bad-varint"),
        case("link", "a bool of 2", framed(8, fetch.replace(b"\x28\x01", b"\x28\x02")), "bad-varint"),
        case("link", "a padded varint in an unknown field", framed(17, number(1, 1) + number(9, 1, pad=1)), "bad-varint"),
        case("link", "field number 0", framed(17, number(1, 1) + b"\x00\x01"), "bad-tag"),
        case("link", "a field number above 2^29 - 1", framed(17, number(1, 1) + varint(2**29 << 3) + b"\x01"), "bad-tag"),
        case("link", "bytes where a number belongs", framed(17, inner(1, b"\x01")), "bad-wire-type"),
        case("link", "a number where bytes belong", number(1, 5) + inner(17, number(1, 1)), "bad-wire-type"),
        case("link", "a number where a message belongs", inner(1, SESSION) + number(17, 5), "bad-wire-type"),
        case("link", "64 bits where a varint belongs", framed(17, varint(1 << 3 | 1) + bytes(8)), "bad-wire-type"),
        case("link", "a group", framed(17, number(1, 1) + varint(9 << 3 | 3) + varint(9 << 3 | 4)), "bad-wire-type"),
        case("link", "wire type 6", framed(17, number(1, 1) + varint(9 << 3 | 6)), "bad-wire-type"),
        case("link", "wire type 7", framed(17, number(1, 1) + varint(9 << 3 | 7)), "bad-wire-type"),
        case("link", "a number twice", framed(17, number(1, 1) * 2), "duplicate-field"),
        case("link", "the session twice", inner(1, SESSION) + ping, "duplicate-field"),
        case("link", "the body twice", ping + inner(17, number(1, 1)), "duplicate-field"),
        case("link", "two bodies", ping + inner(18, number(1, 1)), "duplicate-field"),
        case("link", "an inner message twice", framed(8, fetch + inner(2, FEED.message().SerializeToString())), "duplicate-field"),
        case("link", "36,865 fields", [inner(1, SESSION) + varint(17 << 3 | 2) + varint(2 * 36_863), [number(9, 1), 36_863]], "too-many"),
        case("link", "more than 192 KiB", [inner(1, SESSION) + varint(17 << 3 | 2) + varint(200_000), [b"\x4a\x06abcdef", 25_000]], "too-big"),
    ]
    return cases


def _links_refused() -> list[dict]:
    """A field that is not there, of the wrong length, out of its range, too often."""
    refused: list[tuple[str, str, object, str]] = []

    def add(kind: str, name: str, reason: str, body) -> None:
        refused.append((kind, name, body, reason))

    for kind, body in BODIES.items():
        for field in body.DESCRIPTOR.fields:
            if wire.RULES[body.DESCRIPTOR.name][field.name].absent:
                continue
            add(kind, f"without {field.name}", "missing-field", without(body, field.name))
    for field in ("feed.origin", "feed.epoch", "feed.lane"):
        add("fetch", f"without {field}", "missing-field", without(BODIES["fetch"], field))
    for field in ("payload.state", "payload.salt", "payload.body"):
        add("payload_found", f"without {field}", "missing-field", without(BODIES["payload_found"], field))
    for field, length in (("coalition", 31), ("nonce", 17), ("roster_hash", 0), ("origin", 15)):
        add("hello", f"{field} of {length} bytes", "bad-length", having(BODIES["hello"], **{field: bytes(length)}))
    add("welcome", "hello_nonce of 15 bytes", "bad-length", having(BODIES["welcome"], hello_nonce=bytes(15)))
    add("fetch", "after_hash of 33 bytes", "bad-length", having(BODIES["fetch"], after_hash=bytes(33)))
    add("nope", "hash of 31 bytes", "bad-length", having(BODIES["nope"], hash=bytes(31)))
    add("payload_found", "salt of 15 bytes", "bad-length", having(BODIES["payload_found"], payload__salt=bytes(15)))
    add("run_part", "an empty part that ends nothing", "bad-length", link_pb2.RunPart(fetch=1, index=0, bytes=b""))
    for kind, fields in (
        ("hello", {"protocol_min": 0}),
        ("hello", {"protocol_min": 3}),
        ("hello", {"roster_version": 0}),
        ("welcome", {"protocol": 0}),
        ("fetch", {"fetch": 0}),
        ("fetch", {"feed__epoch": 0}),
        ("fetch", {"feed__epoch": 1_000_001}),
        ("fetch", {"feed__lane": 65_536}),
        ("fetch", {"after_number": 2**53 + 1}),
        ("fetch", {"credit_limit": 2**53 + 1}),
        ("end_fetch", {"fetch": 0}),
        ("run_part", {"index": 1_048_577}),
        ("ack", {"credit_limit": 2**53 + 1}),
        ("nope", {"reason": 0}),
        ("fetch_payload", {"number": 0}),
        ("fetch_payload", {"number": 2**53 + 1}),
        ("payload_found", {"payload__state": 0}),
        ("payload_found", {"payload__state": 4}),
        ("payload_found", {"payload__state": 2}),
        ("payload_found", {"payload__state": 3}),
    ):
        shown = ", ".join(f"{key.replace('__', '.')} {value}" for key, value in fields.items())
        add(kind, shown, "bad-value", having(BODIES[kind], **fields))
    add("run_part", "16 KiB and one byte", "too-big", link_pb2.RunPart(fetch=1, index=0, bytes=bytes(16_385)))
    too_big = commit_pb2.Payload(state=1, salt=bytes(16), body=bytes(65_537))
    add("payload_found", "a body of 64 KiB and one byte", "too-big", link_pb2.PayloadFound(fetch=7, feed=FEED.message(), number=1, payload=too_big))
    add("beacons", "17 beacons", "too-many", link_pb2.Beacons(beacons=[beacon_of()] * 17))
    add("beacons", "257 pulses", "too-many", link_pb2.Beacons(pulses=[PULSE] * 257))
    for name, value, reason in (("sequence", 0, "bad-value"), ("sequence", 2**53 + 1, "bad-value"), ("step", 0, "bad-value"), ("step", 257, "bad-value"), ("preimage", bytes(15), "bad-length"), ("origin", bytes(17), "bad-length")):
        shown = f"{len(value)} bytes" if isinstance(value, bytes) else value
        add("beacons", f"a pulse with a {name} of {shown}", reason, link_pb2.Beacons(pulses=[having(PULSE, **{name: value})]))
    for name in ("origin", "sequence", "step", "preimage"):
        add("beacons", f"a pulse without its {name}", "missing-field", link_pb2.Beacons(pulses=[without(PULSE, name)]))
    add("want_beacons", "33 of them", "too-many", link_pb2.WantBeacons(origins=[f.ORIGINS["GT"]] * 33))
    add("want_beacons", "an origin of 15 bytes", "bad-length", link_pb2.WantBeacons(origins=[bytes(15)]))
    add("cards", "17 cards", "too-many", link_pb2.Cards(cards=[SIGNED_CARD] * 17))
    add("rosters", "17 rosters", "too-many", link_pb2.Rosters(rosters=[SIGNED_ROSTER] * 17))
    cases = [case("link", f"{kind}: {name}", link(kind, body), reason) for kind, name, body, reason in refused]
    head, wanted = inner(1, HEAD.SerializeToString()), inner(1, BODIES["want_cards"].cards[0].SerializeToString())
    cases += [
        case("link", "heads: 513 of them", [inner(1, SESSION) + varint(7 << 3 | 2) + varint(513 * len(head)), [head, 513]], "too-many"),
        case("link", "want_cards: 2,049 of them", [inner(1, SESSION) + varint(6 << 3 | 2) + varint(2049 * len(wanted)), [wanted, 2049]], "too-many"),
        case("link", "hello: with a session", inner(1, SESSION) + inner(2, BODIES["hello"].SerializeToString()), "bad-value"),
        case("link", "ping: without a session", inner(17, number(1, 1)), "missing-field"),
        case("link", "ping: a session of 15 bytes", inner(1, SESSION[:15]) + inner(17, number(1, 1)), "bad-length"),
    ]
    return cases


# ---- publications ----


def _publications() -> list[dict]:
    author = f.Author("GT")
    commit, second = author.put("uno"), author.put("dos")
    sealed = f.Author("GT", lane=2).put("tres")
    unsigned = run_message([commit])
    unsigned.commits[0].ClearField("signature")
    topic = f.COALITION_ID[:16]
    big = f.Author("GT").put("uno", "x" * 17_000)

    def one(title: str, reason: str, data: Pieces, about: bytes = topic) -> dict:
        return case("publication", title, data, reason, coalition=f.COALITION_ID.hex(), topic=about.hex())

    def run(message) -> bytes:
        return link_pb2.Publication(run=message).SerializeToString()

    head = link_pb2.Publication(head=HEAD).SerializeToString()
    return [
        one("a commit", "ok", run(run_message([commit]))),
        one("a head", "ok", head),
        one("a beacon", "ok", link_pb2.Publication(beacons=link_pb2.Beacons(beacons=[beacon_of()])).SerializeToString()),
        one("256 pulses", "ok", link_pb2.Publication(beacons=link_pb2.Beacons(pulses=[PULSE] * 256)).SerializeToString()),
        one("257 pulses", "too-many", link_pb2.Publication(beacons=link_pb2.Beacons(pulses=[PULSE] * 257)).SerializeToString()),
        one("another coalition's topic", "bad-topic", head, bytes(16)),
        one("a longer topic", "bad-topic", head, f.COALITION_ID[:17]),
        one("no topic", "bad-topic", head, b""),
        one("nothing", "unknown-message", b""),
        one("of an unknown type", "unknown-message", inner(4, b"")),
        one("two commits", "too-many", run(run_message([commit, second]))),
        one("without a signature", "unsigned", run(unsigned)),
        one("of a restricted lane", "not-allowed", run(run_message([sealed]))),
        one("a run without a commit", "missing-field", run(commit_pb2.Run(feed=FEED.message()))),
        one("a head without its hash", "missing-field", link_pb2.Publication(head=without(HEAD, "hash")).SerializeToString()),
        one("a head and a beacon", "duplicate-field", head + link_pb2.Publication(beacons=link_pb2.Beacons(beacons=[beacon_of()])).SerializeToString()),
        one("more than 16 KiB", "too-big", run(run_message([big]))),
        one("2,049 fields", "too-many", [head, [number(9, 1), 2_049]]),
        one("cut short", "truncated", head[:-1]),
    ]


def make() -> list[dict]:
    return _links_taken() + _passed_over() + _links_malformed() + _links_refused() + _publications()
