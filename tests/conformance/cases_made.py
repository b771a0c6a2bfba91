"""Vectors of what is signed, from its fields: the bytes that each writer has to
make of them, their hash and signature. Docs/protocol.md, sections 4 and 7. Whole
commits are in hashes.json."""

from enlace.v1 import link_pb2, membership_pb2
from google.protobuf.message import Message

import crypto
import fixture as f
from byhand import having
from membership import make_card, sign_card


def fields(message: Message) -> dict:
    """A message as JSON: bytes as hex, absent fields left out."""

    def plain(value):
        if isinstance(value, Message):
            return fields(value)
        return value.hex() if isinstance(value, bytes) else value

    made = {}
    for field, value in message.ListFields():
        many = field.label == field.LABEL_REPEATED
        made[field.name] = [plain(one) for one in value] if many else plain(value)
    return made


def _case(kind: str, name: str, body: Message, hash_: bytes, signed: bytes, **given: bytes) -> dict:
    shown = {key: value.hex() for key, value in given.items()}
    return {"type": kind, "name": name, **shown, "fields": fields(body), "body": body.SerializeToString().hex(), "hash": hash_.hex(), "signed": signed.hex()}


def _cards() -> list[dict]:
    cuts = [membership_pb2.Cut(epoch=1, lane=lane, number=7, hash=bytes([lane] * 32)) for lane in (0, 1)]
    second = make_card(f.KEYS["GT"], "GT", f.CARDS["GT"], epoch=2, cuts=cuts)
    plain = f.CARDS["GT"].body
    with_all = having(plain, country="GT", name="Comité de Guatemala", schema=3)
    with_all.endpoints.extend(["tcp://hub.example.org:7400", "tcp://[2001:db8::1]:7400"])
    cases = []
    for name, body in (("card 1", plain), ("card 1 with all that may be there", with_all), ("card 2, with cuts", second.body)):
        data = body.SerializeToString()
        cases.append(_case("card", name, body, crypto.card_hash(data), sign_card(f.KEYS["GT"], data), root=f.KEYS["GT"].root))
    return cases


def _rosters() -> list[dict]:
    charter = f.charter_body()
    second = f.successor(charter, f.COALITION_ID, name="Otro nombre", threshold=3)
    second.members[0].roles.extend([1, 2, 300])
    third = f.successor(second, crypto.roster_hash(second.SerializeToString()))
    card = f.CARDS["SV"].body
    del third.members[-1]
    cut = membership_pb2.Cut(epoch=1, lane=1, number=9, hash=bytes(32))
    third.formers.append(membership_pb2.Roster.Former(code="SV", origin=card.origin, root_key=card.root_key, cuts=[cut]))
    cases = [
        _case("charter", "a charter", charter, f.COALITION_ID, f.SIGNED_CHARTER, root=f.KEYS["CRM"].root),
    ]
    for name, body in (("version 2, with roles", second), ("version 3, with a former member", third)):
        data = body.SerializeToString()
        signed = f.voted(body, ("GT",))
        cases.append(
            _case("roster", name, body, crypto.roster_hash(data), signed, signing=f.KEYS["GT"].signing, coalition=f.COALITION_ID, voter=f.ORIGINS["GT"])
        )
    return cases


def _beacons() -> list[dict]:
    gt, hn, node = f.Author("GT"), f.Author("HN", lane=0), f.node("GT")
    for key in ("uno", "dos"):
        gt.put(key)
        hn.put(key)
    cases = []
    for name, authors in (("a beacon without heads", ()), ("a beacon with heads", (gt, hn))):
        for author in authors:
            node.feeds[author.feed.id] = author.feed
        signed = node.beacon()
        body = link_pb2.Beacon.FromString(signed.body)
        hash_ = crypto.beacon_hash(signed.body)
        cases.append(_case("beacon", name, body, hash_, signed.SerializeToString(), signing=f.KEYS["GT"].signing))
    return cases


def make() -> list[dict]:
    return _cards() + _rosters() + _beacons()
