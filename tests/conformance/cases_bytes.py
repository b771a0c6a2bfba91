"""Vectors of decoding: what each decoder takes, and what it refuses with which
reason. Reasons are written here by hand, from docs/protocol.md sections 2, 3, 4
and 10; check.py and the C suite hold two implementations against them.

Bytes are hex, or a list of hex and [hex, times].
"""

import re
from typing import Callable, Union

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import fixture as f
import membership
import wire
from feed import FeedId, run_message

Pieces = Union[bytes, list]
SESSION = bytes(range(16))
FEED = FeedId(f.ORIGINS["GT"], 1, 1)
HASH = crypto.commit_hash(b"")

# ---- bytes by hand ----


def varint(value: int, pad: int = 0) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    for _ in range(pad):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def number(tag: int, value: int, pad: int = 0) -> bytes:
    return varint(tag << 3) + varint(value, pad)


def inner(tag: int, data: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(data)) + data


def hexed(data: Pieces):
    """As it stands in JSON: hex, or pieces where a piece comes many times over."""
    pieces = [data] if isinstance(data, bytes) else data
    split = [part for piece in pieces for part in (_split(piece) if isinstance(piece, bytes) else [piece])]
    shown = [piece.hex() if isinstance(piece, bytes) else [piece[0].hex(), piece[1]] for piece in split]
    return shown[0] if len(shown) == 1 and isinstance(shown[0], str) else shown


def _split(data: bytes) -> list:
    """Taken apart where one byte stands 64 times or more in a row."""
    parts, at = [], 0
    for match in re.finditer(rb"(.)\1{63,}", data, re.S):
        parts += [data[at : match.start()], (match[1], match.end() - match.start())]
        at = match.end()
    return [part for part in (*parts, data[at:]) if part] or [b""]


def case(kind: str, title: str, data: Pieces, reason, **more) -> dict:
    return {"type": kind, "name": title, **more, "bytes": hexed(data), "reason": reason}


def without(message, field: str):
    """A copy without one field: `feed.origin` goes inside."""
    copy = type(message)()
    copy.CopyFrom(message)
    at = copy
    *path, last = field.split(".")
    for step in path:
        at = getattr(at, step)
    at.ClearField(last)
    return copy


def having(message, **fields):
    copy = type(message)()
    copy.CopyFrom(message)
    for name, value in fields.items():
        at, (*path, last) = copy, name.split("__")
        for step in path:
            at = getattr(at, step)
        setattr(at, last, value)
    return copy


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


def _beacon(code: str = "GT", **fields) -> link_pb2.SignedBeacon:
    return f.node(code).beacon(**fields)


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
    "beacons": link_pb2.Beacons(beacons=[_beacon()]),
    "ping": link_pb2.Ping(token=2**64 - 1),
    "pong": link_pb2.Pong(token=1),
    "bye": link_pb2.Bye(reason=97),
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
    cases += [case("link", f"a {kind} without what may be absent", link(kind, body), "ok") for kind, body in bare.items()]
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
        case("link", "a body of an unknown type", inner(1, SESSION) + inner(20, b""), "unknown-message"),
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
    add("beacons", "17 beacons", "too-many", link_pb2.Beacons(beacons=[_beacon()] * 17))
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
        one("a beacon", "ok", link_pb2.Publication(beacon=_beacon()).SerializeToString()),
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
        one("a head and a beacon", "duplicate-field", head + link_pb2.Publication(beacon=_beacon()).SerializeToString()),
        one("more than 16 KiB", "too-big", run(run_message([big]))),
        one("2,049 fields", "too-many", [head, [number(9, 1), 2_049]]),
        one("cut short", "truncated", head[:-1]),
    ]


# ---- runs: what decoding finds in them ----


def _runs() -> list[dict]:
    author = f.Author("GT")
    commit = author.put("uno")
    good = run_message([commit])
    cases = [
        case("run", "a commit", good.SerializeToString(), "ok"),
        case("run", "two commits", f.run_bytes(commit, author.put("dos")), "ok"),
        case("run", "a payload that is missing", run_message([commit], headers_only=True).SerializeToString(), "ok"),
        case("run", "an unknown field in a payload", _with_commit(good, payload_tail=number(9, 1)), "ok", lossy=True),
        case("run", "nothing", b"", "missing-field"),
        case("run", "without a feed", without(good, "feed").SerializeToString(), "missing-field"),
        case("run", "without a commit", commit_pb2.Run(feed=FEED.message()).SerializeToString(), "missing-field"),
        case("run", "33 commits", [inner(1, FEED.message().SerializeToString()), [inner(2, good.commits[0].SerializeToString()), 33]], "too-many"),
        case("run", "more than 1 MiB", [inner(1, FEED.message().SerializeToString()), [inner(9, bytes(1000)), 1046]], "too-big"),
    ]
    cases += [case("run", name, data, reason) for name, reason, data in _commits_refused(good)]
    cases += [case("run", f"header: {name}", data, reason) for name, reason, data in _headers_refused()]
    return cases


def _with_commit(run: commit_pb2.Run, payload_tail: bytes = b"") -> bytes:
    commit = run.commits[0]
    payload = inner(2, commit.payloads[0].SerializeToString() + payload_tail)
    return inner(1, run.feed.SerializeToString()) + inner(2, inner(1, commit.header) + payload + inner(3, commit.signature))


def _commits_refused(good: commit_pb2.Run):
    def changed(**fields) -> bytes:
        return having_commit(good, **fields).SerializeToString()

    def payload(**fields) -> bytes:
        run = commit_pb2.Run()
        run.CopyFrom(good)
        kept = run.commits[0].payloads[0]
        for name, value in fields.items():
            kept.ClearField(name) if value is None else setattr(kept, name, value)
        return run.SerializeToString()

    body = good.commits[0].payloads[0].body
    yield "without a header", "missing-field", changed(header=None)
    yield "without a payload", "missing-field", changed(payloads=[])
    yield "a payload more than changes", "too-many", changed(payloads=[good.commits[0].payloads[0]] * 2)
    yield "a signature of 63 bytes", "bad-length", changed(signature=bytes(63))
    yield "a header of another feed", "bad-value", f.run_bytes(f.Author("HN").put("uno")).replace(f.ORIGINS["HN"], f.ORIGINS["GT"], 1)
    yield "a body altered", "bad-commitment", payload(body=body[:-1] + bytes([body[-1] ^ 1]))
    yield "a body cut", "bad-commitment", payload(body=body[:-1])
    yield "a salt altered", "bad-commitment", payload(salt=bytes(16))
    yield "a salt of 17 bytes", "bad-length", payload(salt=bytes(17))
    yield "a payload without a salt", "missing-field", payload(salt=None)
    yield "a payload without a body", "missing-field", payload(body=None)
    yield "a missing payload with a body", "bad-value", payload(state=3, salt=None)
    yield "an erased payload with a salt", "bad-value", payload(state=2, body=None)
    yield "a payload of state 4", "bad-value", payload(state=4)
    author = f.Author("GT")
    large = [author.draft(bytes(40_000)) for _ in range(4)]
    yield "more than 128 KiB", "too-big", _unread(author, large)
    yield "a body of 64 KiB and one byte", "too-big", _unread(author, [author.draft(bytes(65_537))])


def having_commit(good: commit_pb2.Run, **fields) -> commit_pb2.Run:
    run = commit_pb2.Run()
    run.CopyFrom(good)
    commit = run.commits[0]
    for name, value in fields.items():
        commit.ClearField(name)
        if isinstance(value, list):
            getattr(commit, name).extend(value)
        elif value is not None:
            setattr(commit, name, value)
    return run


def _header(author: f.Author, drafts) -> commit_pb2.CommitHeader:
    changes = [
        commit_pb2.CommitHeader.Change(type=d.type, min_reader=1, commitment=crypto.commitment(d.salt, d.body)) for d in drafts
    ]
    return commit_pb2.CommitHeader(
        header_version=1,
        origin=author.feed.id.origin,
        epoch=1,
        lane=1,
        first_number=1,
        previous=author.feed.start,
        time_ms=f.T0,
        card_number=1,
        changes=changes,
    )


def _unread(author: f.Author, drafts) -> bytes:
    """A run whose commit breaks a bound: signed, never read by this implementation."""
    payloads = [commit_pb2.Payload(state=1, salt=d.salt, body=d.body) for d in drafts]
    commit = author.resign(_header(author, drafts), payloads)
    return commit_pb2.Run(feed=author.feed.id.message(), commits=[commit]).SerializeToString()


def _headers_refused():
    author = f.Author("GT")
    drafts = [author.draft(f.record("uno")), author.draft(f.record("dos"))]
    payloads = [commit_pb2.Payload(state=1, salt=d.salt, body=d.body) for d in drafts]
    good = _header(author, drafts)
    canonical = good.SerializeToString()

    def run(header: bytes, payloads=payloads) -> bytes:
        return commit_pb2.Run(feed=FEED.message(), commits=[author.sign(header, payloads)]).SerializeToString()

    def changed(**fields) -> bytes:
        return run(having(good, **fields).SerializeToString())

    def change(**fields) -> bytes:
        header = having(good)
        for name, value in fields.items():
            header.changes[0].ClearField(name) if value is None else setattr(header.changes[0], name, value)
        return run(header.SerializeToString())

    for field in good.DESCRIPTOR.fields:
        yield f"without {field.name}", "missing-field", run(without(good, field.name).SerializeToString())
    for field in ("type", "min_reader", "commitment"):
        yield f"a change without {field}", "missing-field", change(**{field: None})
    yield "a target without its number", "missing-field", change(target_epoch=1, target_lane=1)
    yield "a target without its epoch", "missing-field", change(target_lane=1, target_number=1)
    yield "a retraction without a target", "missing-field", change(type=2)
    yield "origin of 17 bytes", "bad-length", changed(origin=bytes(17))
    yield "previous of 31 bytes", "bad-length", changed(previous=bytes(31))
    yield "a commitment of 31 bytes", "bad-length", change(commitment=bytes(31))
    yield "header_version 0", "bad-value", changed(header_version=0)
    yield "header_version 2", "too-new", changed(header_version=2)
    yield "header_version 2 with a new field", "too-new", run(having(good, header_version=2).SerializeToString() + number(10, 1))
    yield "epoch 0", "bad-value", changed(epoch=0)
    yield "epoch 1,000,001", "bad-value", changed(epoch=1_000_001)
    yield "lane 65,536", "bad-value", changed(lane=65_536)
    yield "first_number 0", "bad-value", changed(first_number=0)
    yield "a last number above 2^53", "bad-value", changed(first_number=2**53)
    yield "time above 2^53", "bad-value", changed(time_ms=2**53 + 1)
    yield "card_number 0", "bad-value", changed(card_number=0)
    yield "a change of type 0", "bad-value", change(type=0)
    yield "a target in epoch 0", "bad-value", change(target_epoch=0, target_lane=1, target_number=1)
    yield "a target with number 0", "bad-value", change(target_epoch=1, target_lane=1, target_number=0)
    yield "an unknown field", "unknown-field", run(canonical + number(10, 1))
    yield "an unknown field in a change", "unknown-field", run(canonical + inner(9, good.changes[0].SerializeToString() + number(9, 1)))
    yield "fields in another order", "not-canonical", run(canonical[2:] + canonical[:2])
    swapped = good.changes[0].SerializeToString()
    yield "fields of a change in another order", "not-canonical", run(
        without(good, "changes").SerializeToString() + inner(9, swapped[2:] + swapped[:2]) + inner(9, good.changes[1].SerializeToString())
    )
    yield "a padded varint", "bad-varint", run(number(1, 1, pad=1) + canonical[2:])
    yield "a field twice", "duplicate-field", run(canonical + number(1, 1))
    yield "cut short", "truncated", run(canonical[:-1])
    yield "fewer payloads than changes", "missing-field", run(canonical, payloads[:1])
    yield "payloads in another order", "bad-commitment", run(canonical, payloads[::-1])
    many = [author.draft(b"") for _ in range(257)]
    yield "257 changes", "too-many", run(_header(author, many).SerializeToString(), [commit_pb2.Payload(state=3)] * 256)


# ---- cards ----


def _cards() -> list[dict]:
    keys, good = f.KEYS["GT"], f.CARDS["GT"].body

    def one(title: str, reason, body: bytes, keys_=keys) -> dict:
        return case("card", title, membership.sign_card(keys_, body), reason)

    def changed(title: str, reason, **fields) -> dict:
        return one(title, reason, having(good, **fields).SerializeToString())

    def extended(title: str, reason, **lists) -> dict:
        card = having(good)
        card.MergeFrom(membership_pb2.Card(**lists))
        return one(title, reason, card.SerializeToString())

    data = good.SerializeToString()
    signed = membership_pb2.SignedCard.FromString(f.CARDS["GT"].signed)
    second = membership.make_card(keys, "GT", f.CARDS["GT"], cuts=[_cut(1, 1), _cut(1, 2), _cut(2, 0)])
    name_at = data.index(b"Nodo GT")
    cases = [
        case("card", "card 1", f.CARDS["GT"].signed, "ok"),
        case("card", "card 1 with an endpoint", f.CARDS["CRM"].signed, "ok"),
        case("card", "card 2 with cuts", second.signed, "ok"),
        changed("a country", "ok", country="GT"),
        changed("a name of 200 bytes", "ok", name="ñ" * 100),
        extended("an address of each form", "ok", endpoints=["tcp://10.0.0.1:1", "tcp://[2001:db8::1]:65534", "tcp://hub-1.example.org:7400"]),
        one("a name that is not UTF-8", "bad-utf8", data[:name_at] + b"Nodo \xc3T" + data[name_at + 7 :]),
        one("a name with an overlong form", "bad-utf8", data[:name_at] + b"Nodo \xc0\xaf" + data[name_at + 7 :]),
        one("a name with a surrogate", "bad-utf8", data[:name_at] + b"Nod\xed\xa0\x80T" + data[name_at + 7 :]),
        one("a name above U+10FFFF", "bad-utf8", data[:name_at] + b"No\xf4\x90\x80\x80T" + data[name_at + 7 :]),
        one("a name with a NUL", "nul-in-text", data[:name_at] + b"Nodo\0GT" + data[name_at + 7 :]),
        changed("an empty name", "bad-value", name=""),
        changed("a name of 201 bytes", "bad-value", name="x" * 201),
        changed("a name with a line break", "bad-value", name="Nodo\nGT"),
        changed("a name with a C1 control", "bad-value", name="Nodo\u0085GT"),
        changed("a code in lower case", "bad-code", code="gt"),
        changed("a code of one letter", "bad-code", code="G"),
        changed("a code of 17 letters", "bad-code", code="G" * 17),
        changed("a code that begins with a digit", "bad-code", code="1GT"),
        changed("a country of three letters", "bad-country", country="GTM"),
        changed("a country in lower case", "bad-country", country="gt"),
        extended("an endpoint without a port", "bad-value", endpoints=["tcp://hub.example.org"]),
        extended("an endpoint of another transport", "bad-value", endpoints=["udp://hub.example.org:7400"]),
        extended("port 0", "bad-value", endpoints=["tcp://hub.example.org:0"]),
        extended("port 65,535", "bad-value", endpoints=["tcp://hub.example.org:65535"]),
        extended("nine endpoints", "too-many", endpoints=[f"tcp://hub.example.org:{port}" for port in range(7400, 7409)]),
        changed("number 0", "bad-value", number=0),
        changed("epoch 0", "bad-value", epoch=0),
        changed("protocol 0", "bad-value", protocol=0),
        changed("schema 0", "bad-value", schema=0),
        changed("a root key of 31 bytes", "bad-length", root_key=good.root_key[:31]),
        changed("card 1 with a previous one", "bad-card", previous=bytes(32)),
        changed("card 2 without a previous one", "bad-card", number=2),
        changed("an origin that is not its root key's", "bad-card", origin=f.ORIGINS["HN"]),
        extended("card 1 with a cut", "bad-card", cuts=[_cut(1, 1)]),
        _second("cuts in another order", "not-canonical", [_cut(1, 2), _cut(1, 1)]),
        _second("a lane cut twice", "not-canonical", [_cut(1, 1), _cut(1, 1)]),
        _second("65 cuts", "too-many", [_cut(1, lane) for lane in range(65)]),
        _second("a cut in lane 65,536", "bad-value", [_cut(1, 65_536)]),
        one("fields in another order", "not-canonical", data[18:] + data[:18]),
        one("an unknown field", "unknown-field", data + number(16, 1)),
        one("a padded varint", "bad-varint", data[:-1] + b"\x81\x00"),
        one("a field twice", "duplicate-field", data + number(15, 1)),
        one("cut short", "truncated", data[:-1]),
        one("signed by the signing key", "bad-signature", data, crypto.Keys(keys.signing, keys.signing, keys.transport, keys.sealing)),
        case("card", "a signature altered", having(signed, signature=signed.signature[:-1] + bytes([signed.signature[-1] ^ 1])).SerializeToString(), "bad-signature"),
        case("card", "signed as a charter", _signed_as_charter(keys, data), "bad-signature"),
        case("card", "a signature of 63 bytes", having(signed, signature=signed.signature[:63]).SerializeToString(), "bad-length"),
        case("card", "without a signature", without(signed, "signature").SerializeToString(), "missing-field"),
        case("card", "without a body", without(signed, "body").SerializeToString(), "missing-field"),
        case("card", "an unknown field beside body and signature", f.CARDS["GT"].signed + number(3, 1), ["unknown-field", "too-many"]),
        case("card", "more than 8 KiB", [inner(2, bytes(64)) + varint(1 << 3 | 2) + varint(8_200), [b"\x00", 8_200]], "too-big"),
    ]
    for field in good.DESCRIPTOR.fields:
        if not wire.RULES["Card"][field.name].absent:
            cases.append(one(f"without {field.name}", "missing-field", without(good, field.name).SerializeToString()))
    return cases


def _cut(epoch: int, lane: int) -> membership_pb2.Cut:
    return membership_pb2.Cut(epoch=epoch, lane=lane, number=0, hash=f.CARDS["GT"].hash)


def _second(title: str, reason: str, cuts) -> dict:
    body = having(f.CARDS["GT"].body, number=2, previous=f.CARDS["GT"].hash)
    body.cuts.extend(cuts)
    return case("card", title, membership.sign_card(f.KEYS["GT"], body.SerializeToString()), reason)


def _signed_as_charter(keys: crypto.Keys, data: bytes) -> bytes:
    signature = crypto.sign(keys.root, crypto.charter_text(crypto.card_hash(data)))
    return membership_pb2.SignedCard(body=data, signature=signature).SerializeToString()


# ---- rosters and charters ----


def _rosters() -> list[dict]:
    charter = f.charter_body()
    second = f.successor(charter, f.COALITION_ID)

    def one(title: str, reason, body: bytes) -> dict:
        return case("roster", title, membership_pb2.SignedRoster(body=body).SerializeToString(), reason)

    def changed(title: str, reason, base=second, **fields) -> dict:
        return one(title, reason, having(base, **fields).SerializeToString())

    def members(title: str, reason, *codes_and_origins, formers=()) -> dict:
        body = having(second)
        del body.members[:]
        body.members.extend(membership_pb2.Roster.Member(code=c, origin=o, root_key=bytes(32), min_card=1) for c, o in codes_and_origins)
        body.formers.extend(formers)
        body.threshold = 1
        return one(title, reason, body.SerializeToString())

    former = membership_pb2.Roster.Former(code="NI", origin=f.ORIGINS["NI"], root_key=bytes(32))
    data = second.SerializeToString()
    gt, hn, ni = ("GT", f.ORIGINS["GT"]), ("HN", f.ORIGINS["HN"]), ("NI", f.ORIGINS["NI"])
    with_roles = having(second)
    with_roles.members[0].roles.extend([1, 300])
    many_roles = having(second)
    many_roles.members[0].roles.extend(range(17))
    no_min_card = having(second)
    no_min_card.members[0].min_card = 0
    bad_code = having(second)
    bad_code.members[0].code = "crm"
    cases = [
        case("roster", "a charter", f.SIGNED_CHARTER, "ok"),
        case("roster", "version 2 with votes", f.voted(second), "ok"),
        one("version 2 with roles", "ok", with_roles.SerializeToString()),
        members("with a former member", "ok", gt, hn, formers=[former]),
        members("members in another order", "not-canonical", hn, gt),
        members("a code twice", "not-canonical", gt, ("GT", f.ORIGINS["HN"])),
        members("an origin twice", "bad-roster", gt, ("HN", f.ORIGINS["GT"])),
        members("a member who is a former one", "bad-roster", gt, ni, formers=[former]),
        members("a member with a former one's origin", "bad-roster", gt, ("HN", f.ORIGINS["NI"]), formers=[former]),
        members("without a member", "missing-field"),
        changed("threshold 0", "bad-value", threshold=0),
        changed("a threshold above the members", "bad-roster", threshold=5),
        changed("version 0", "bad-value", version=0),
        changed("a charter with a previous one", "bad-roster", charter, previous=bytes(32)),
        changed("version 2 with a creator", "bad-roster", creator=f.ORIGINS["CRM"]),
        changed("a creator who is no member", "bad-roster", charter, creator=f.ORIGINS["NI"]),
        one("a charter without a creator", "bad-roster", without(charter, "creator").SerializeToString()),
        one("version 2 without a previous one", "bad-roster", without(second, "previous").SerializeToString()),
        changed("min_protocol 0", "bad-value", min_protocol=0),
        changed("time above 2^53", "bad-value", time_ms=2**53 + 1),
        changed("an empty name", "bad-value", name=""),
        one("17 roles", "too-many", many_roles.SerializeToString()),
        one("min_card 0", "bad-value", no_min_card.SerializeToString()),
        one("a code in lower case", "bad-code", bad_code.SerializeToString()),
        one("roles that are not packed", "not-canonical", _unpacked_roles(second)),
        one("fields in another order", "not-canonical", data[2:] + data[:2]),
        one("an unknown field", "unknown-field", data + number(10, 1)),
        one("a field twice", "duplicate-field", data + number(7, 1)),
        one("cut short", "truncated", data[:-1]),
        case("roster", "without a body", b"", "missing-field"),
        case("roster", "400,000 empty members", _members_without_end(second, 400_000), ["over-budget", "too-many"]),
    ]
    file = membership_pb2.CharterFile.FromString(f.CHARTER)
    del file.cards[-1]
    twice = having(file)
    twice.cards.extend([file.cards[0]])
    stranger = having(file)
    stranger.cards.extend([membership_pb2.SignedCard.FromString(f.CARDS["NI"].signed)])
    unsigned = membership_pb2.CharterFile.FromString(f.CHARTER)
    del unsigned.roster.signatures[:]
    forged = membership_pb2.CharterFile.FromString(f.CHARTER)
    forged.roster.signatures[0].signature = crypto.sign(f.KEYS["GT"].root, crypto.charter_text(f.COALITION_ID))
    cases += [
        case("charter", "a charter file", f.CHARTER, "ok"),
        case("charter", "a card too few", file.SerializeToString(), "bad-card"),
        case("charter", "a card twice", twice.SerializeToString(), "bad-card"),
        case("charter", "a card of somebody else", stranger.SerializeToString(), "bad-card"),
        case("charter", "not signed", unsigned.SerializeToString(), "too-few-signatures"),
        case("charter", "signed by another root key", forged.SerializeToString(), "bad-signature"),
        case("charter", "without a roster", b"", "missing-field"),
    ]
    return cases


def _members_without_end(second: membership_pb2.Roster, count: int) -> list:
    """Two bytes each, and a hundred in memory: the budget of an unpacker, or the bound on members."""
    before, after = having(second), having(second)
    for field in ("members", "formers", "min_protocol", "time_ms"):
        before.ClearField(field)
    for field in ("version", "previous", "name", "threshold", "members", "formers"):
        after.ClearField(field)
    head, tail = before.SerializeToString(), after.SerializeToString()
    size = len(head) + 2 * count + len(tail)
    return [varint(1 << 3 | 2) + varint(size) + head, [inner(5, b""), count], tail]


def _unpacked_roles(second: membership_pb2.Roster) -> bytes:
    first = second.members[0]
    unpacked = without(first, "min_card").SerializeToString() + number(4, 1) + number(4, 2) + number(5, first.min_card)
    data = second.SerializeToString()
    return data.replace(inner(5, first.SerializeToString()), inner(5, unpacked), 1)


# ---- beacons ----


def _beacons() -> list[dict]:
    signed = _beacon()
    good = link_pb2.Beacon.FromString(signed.body)
    head = commit_pb2.Head(feed=FEED.message(), number=3, hash=HASH)
    foreign = commit_pb2.Head(feed=FeedId(f.ORIGINS["HN"], 1, 1).message(), number=3, hash=HASH)

    def one(title: str, reason, data: bytes) -> dict:
        signature = crypto.sign(f.KEYS["GT"].signing, crypto.beacon_text(f.COALITION_ID, crypto.beacon_hash(data)))
        return case("beacon", title, link_pb2.SignedBeacon(body=data, signature=signature).SerializeToString(), reason)

    def changed(title: str, reason, **fields) -> dict:
        return one(title, reason, having(good, **fields).SerializeToString())

    def heads(title: str, reason, own=(), held=()) -> dict:
        beacon = having(good)
        beacon.own.extend(own)
        beacon.held.extend(held)
        return one(title, reason, beacon.SerializeToString())

    data = good.SerializeToString()
    cases = [
        one("without heads", "ok", data),
        heads("with heads", "ok", [head], [foreign]),
        heads("160 heads", "ok", [head] * 60, [foreign] * 100),
        heads("161 heads in all", "too-many", [head] * 61, [foreign] * 100),
        heads("another's feed as its own", "bad-value", [foreign]),
        heads("a head without its hash", "missing-field", [without(head, "hash")]),
        changed("sequence 0", "bad-value", sequence=0),
        changed("sequence above 2^53", "bad-value", sequence=2**53 + 1),
        changed("card_number 0", "bad-value", card_number=0),
        changed("an origin of 15 bytes", "bad-length", origin=bytes(15)),
        one("fields in another order", "not-canonical", data[34:] + data[:34]),
        one("an unknown field", "unknown-field", data + number(7, 1)),
        one("a field twice", "duplicate-field", data + number(4, 1)),
        one("cut short", "truncated", data[:-1]),
        case("beacon", "a signature of 65 bytes", having(signed, signature=bytes(65)).SerializeToString(), "bad-length"),
        case("beacon", "without a body", without(signed, "body").SerializeToString(), "missing-field"),
    ]
    for field in ("coalition", "origin", "sequence", "card_number"):
        cases.append(one(f"without {field}", "missing-field", without(good, field).SerializeToString()))
    return cases


def make() -> list[dict]:
    parts: list[Callable[[], list[dict]]] = [
        _links_taken, _passed_over, _links_malformed, _links_refused, _publications, _runs, _cards, _rosters, _beacons
    ]
    return [case_ for part in parts for case_ in part()]
