"""Vectors of cards, rosters, charter files and beacons: what each can be asked
without knowing another. Reasons are written here by hand, from docs/protocol.md
sections 2, 4, 7 and 10."""

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import fixture as f
import membership
import wire
from byhand import case, having, inner, number, varint, without
from feed import FeedId

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
    signed = f.node("GT").beacon()
    good = link_pb2.Beacon.FromString(signed.body)
    head = commit_pb2.Head(feed=FeedId(f.ORIGINS["GT"], 1, 1).message(), number=3, hash=crypto.commit_hash(b""))
    foreign = commit_pb2.Head(feed=FeedId(f.ORIGINS["HN"], 1, 1).message(), number=3, hash=crypto.commit_hash(b""))

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
        changed("an anchor of 15 bytes", "bad-length", anchor=bytes(15)),
        changed("an origin of 15 bytes", "bad-length", origin=bytes(15)),
        one("fields in another order", "not-canonical", data[34:] + data[:34]),
        one("an unknown field", "unknown-field", data + number(8, 1)),
        one("a field twice", "duplicate-field", data + number(4, 1)),
        one("cut short", "truncated", data[:-1]),
        case("beacon", "a signature of 65 bytes", having(signed, signature=bytes(65)).SerializeToString(), "bad-length"),
        case("beacon", "without a body", without(signed, "body").SerializeToString(), "missing-field"),
    ]
    for field in ("coalition", "origin", "sequence", "card_number", "anchor"):
        cases.append(one(f"without {field}", "missing-field", without(good, field).SerializeToString()))
    return cases


def make() -> list[dict]:
    return _cards() + _rosters() + _beacons()
