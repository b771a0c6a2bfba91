"""Bytes into messages: docs/protocol.md, section 2.

Every message is walked against its descriptor before protobuf sees it, because
protobuf forgives much of what the document refuses. What passes is parsed and
its fields are compared with the table below: there or not, how long, how large.
"""

import re
from dataclasses import dataclass
from typing import Callable, Optional

from enlace.v1 import commit_pb2, link_pb2, membership_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from reasons import Refused, refuse_unless

KIB = 1024
U32 = 2**32 - 1
U64 = 2**64 - 1
NUMBER = 2**53
EPOCH = 1_000_000
LANE = 65_535
HEADS_MOST = 512
ITEMS_MOST = 16
PART_MOST = 16 * KIB
COMMIT_MOST = 128 * KIB
PAYLOAD_MOST = 64 * KIB
RUN_MOST = 1024 * KIB
RUN_COMMITS_MOST = 32
PUBLICATION_MOST = 16 * KIB


@dataclass(frozen=True)
class Limits:
    size: int  # bytes
    fields: int  # occurrences, nested ones and packed values included
    unknown: bool = False  # whether fields that the schema lacks are passed over


LINK = Limits(192 * KIB, 36 * KIB, unknown=True)
PUBLICATION = Limits(PUBLICATION_MOST, 2048, unknown=True)
RUN = Limits(RUN_MOST, 36 * KIB, unknown=True)
HEADER = Limits(COMMIT_MOST, 4096)
CARD = Limits(8 * KIB, 512)
SIGNED_CARD = Limits(8 * KIB, 2)
ROSTER = Limits(4 * KIB * KIB, 16 + 21 * 20_000)
SIGNED_ROSTER = Limits(4 * KIB * KIB, 1 + 4 * 20_000)
BEACON = Limits(12 * KIB, 2048)
SIGNED_BEACON = Limits(12 * KIB, 2)
CHARTER = Limits(16 * KIB * KIB, 2 + 8 * 20_000)

# ---- the walk ----

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDEST = {
    FieldDescriptor.TYPE_UINT32: U32,
    FieldDescriptor.TYPE_UINT64: U64,
    FieldDescriptor.TYPE_BOOL: 1,
}
_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def done(self) -> bool:
        return self.at == len(self.data)

    def varint(self) -> int:
        value = 0
        for place in range(10):
            refuse_unless(self.at < len(self.data), "truncated")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                refuse_unless((byte or place == 0) and value <= U64, "bad-varint")
                return value
        raise Refused("bad-varint")

    def take(self, size: int) -> bytes:
        refuse_unless(size <= len(self.data) - self.at, "truncated")
        self.at += size
        return self.data[self.at - size : self.at]

    def value(self, wire_type: int):
        if wire_type == VARINT:
            return self.varint()
        if wire_type == BYTES:
            return self.take(self.varint())
        refuse_unless(wire_type in (FIXED64, FIXED32), "bad-wire-type")
        return self.take(8 if wire_type == FIXED64 else 4)


class _Walk:
    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.fields = 0

    def count(self) -> None:
        self.fields += 1
        refuse_unless(self.fields <= self.limits.fields, "too-many")

    def message(self, descriptor: Descriptor, data: bytes) -> None:
        reader = _Reader(data)
        seen: set[str] = set()
        while not reader.done():
            key = reader.varint()
            refuse_unless(1 <= key >> 3 < 2**29, "bad-tag")
            field = descriptor.fields_by_number.get(key >> 3)
            if field is not None and field.label != FieldDescriptor.LABEL_REPEATED:
                name = field.containing_oneof.name if field.containing_oneof else field.name
                refuse_unless(name not in seen, "duplicate-field", field.full_name)
                seen.add(name)
            self.count()
            value = reader.value(key & 7)
            if field is None:
                refuse_unless(self.limits.unknown, "unknown-field", f"{descriptor.name} {key >> 3}")
            else:
                self.field(field, key & 7, value)

    def field(self, field: FieldDescriptor, wire_type: int, value) -> None:
        is_text = field.type in _TEXTS
        if not is_text and wire_type == BYTES and field.label == FieldDescriptor.LABEL_REPEATED:
            packed = _Reader(value)
            while not packed.done():
                self.number(field, packed.varint())
                self.count()
            return
        refuse_unless(wire_type == (BYTES if is_text else VARINT), "bad-wire-type", field.full_name)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            self.message(field.message_type, value)
        elif field.type == FieldDescriptor.TYPE_STRING:
            self.text(field, value)
        elif not is_text:
            self.number(field, value)

    def number(self, field: FieldDescriptor, value: int) -> None:
        refuse_unless(value <= _WIDEST[field.type], "bad-varint", field.full_name)

    def text(self, field: FieldDescriptor, value: bytes) -> None:
        refuse_unless(0 not in value, "nul-in-text", field.full_name)
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("bad-utf8", field.full_name) from None


def parse(kind: type, data: bytes, limits: Limits) -> Message:
    """The bytes as a message of `kind`, walked; its fields are still unchecked."""
    refuse_unless(len(data) <= limits.size, "too-big", kind.DESCRIPTOR.name)
    _Walk(limits).message(kind.DESCRIPTOR, data)
    message = kind()
    message.ParseFromString(data)
    return message


def refuse_unless_canonical(message: Message, data: bytes) -> None:
    refuse_unless(message.SerializeToString() == data, "not-canonical", message.DESCRIPTOR.name)


# ---- what each field may be ----


@dataclass(frozen=True)
class Rule:
    """`low` and `high` bound a number, a length of bytes, or how many entries."""

    low: int = 0
    high: int = U64
    absent: bool = False
    form: Optional[Callable[[str], None]] = None  # of a text


def size(count: int, absent: bool = False) -> Rule:
    return Rule(count, count, absent)


def upto(count: int) -> Rule:
    return Rule(0, count)


def between(low: int, high: int, absent: bool = False) -> Rule:
    return Rule(low, high, absent)


def form(check: Callable[[str], None], absent: bool = False) -> Rule:
    return Rule(absent=absent, form=check)


THERE = Rule()
MAY_BE_ABSENT = Rule(absent=True)


def check_code(text: str) -> None:
    refuse_unless(re.fullmatch(r"[A-Z][A-Z0-9-]{1,15}", text), "bad-code", text)


def check_country(text: str) -> None:
    refuse_unless(re.fullmatch(r"[A-Z]{2}", text), "bad-country", text)


def check_name(text: str) -> None:
    controls = any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)
    refuse_unless(1 <= len(text.encode()) <= 200 and not controls, "bad-value", "name")


def check_endpoint(text: str) -> None:
    match = re.fullmatch(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([1-9][0-9]{0,4})", text)
    refuse_unless(match and int(match[2]) <= 65_534 and len(text) <= 255, "bad-value", text)


FEED = {"origin": size(16), "epoch": between(1, EPOCH), "lane": upto(LANE)}
GREETING = {
    "coalition": size(32),
    "nonce": size(16),
    "roster_version": between(1, U32),
    "roster_hash": size(32),
    "cards": upto(2048),
    "origin": size(16),
}
NUMBERED_FETCH = {"fetch": between(1, U32)}
CUTS = upto(64)

RULES: dict[str, dict[str, Rule]] = {
    "Feed": FEED,
    "Head": {"feed": THERE, "number": upto(NUMBER), "hash": size(32)},
    "Payload": {"state": between(1, 3), "salt": MAY_BE_ABSENT, "body": Rule(0, PAYLOAD_MOST, True)},
    "Commit": {"header": upto(COMMIT_MOST), "payloads": between(1, 256), "signature": size(64, absent=True)},
    "Run": {"feed": THERE, "commits": between(1, RUN_COMMITS_MOST)},
    "CommitHeader": {
        "header_version": THERE,
        "origin": size(16),
        "epoch": between(1, EPOCH),
        "lane": upto(LANE),
        "first_number": between(1, NUMBER),
        "previous": size(32),
        "time_ms": upto(NUMBER),
        "card_number": between(1, U32),
        "changes": between(1, 256),
    },
    "Change": {
        "type": between(1, U32),
        "target_epoch": between(1, EPOCH, absent=True),
        "target_lane": Rule(0, LANE, True),
        "target_number": between(1, NUMBER, absent=True),
        "min_reader": THERE,
        "commitment": size(32),
    },
    "Cut": {"epoch": between(1, EPOCH), "lane": upto(LANE), "number": upto(NUMBER), "hash": size(32)},
    "Card": {
        "origin": size(16),
        "number": between(1, U32),
        "previous": size(32, absent=True),
        "root_key": size(32),
        "signing_key": size(32),
        "transport_key": size(32),
        "sealing_key": size(32),
        "epoch": between(1, EPOCH),
        "cuts": CUTS,
        "code": form(check_code),
        "name": form(check_name),
        "country": form(check_country, absent=True),
        "endpoints": Rule(0, 8, form=check_endpoint),
        "protocol": between(1, U32),
        "schema": between(1, U32),
    },
    "SignedCard": {"body": upto(8 * KIB), "signature": size(64)},
    "Member": {
        "code": form(check_code),
        "origin": size(16),
        "root_key": size(32),
        "roles": upto(16),
        "min_card": between(1, U32),
    },
    "Former": {"code": form(check_code), "origin": size(16), "root_key": size(32), "cuts": CUTS},
    "Roster": {
        "version": between(1, U32),
        "previous": size(32, absent=True),
        "name": form(check_name),
        "threshold": between(1, 20_000),
        "members": between(1, 20_000),
        "formers": upto(20_000),
        "min_protocol": between(1, U32),
        "time_ms": upto(NUMBER),
        "creator": size(16, absent=True),
    },
    "RosterSignature": {"origin": size(16), "card_number": upto(U32), "signature": size(64)},
    "SignedRoster": {"body": upto(4 * KIB * KIB), "signatures": upto(20_000)},
    "CharterFile": {"roster": THERE, "cards": upto(20_000)},
    "CardNumber": {"origin": size(16), "number": upto(U32)},
    "Hello": {"protocol_min": between(1, U32), "protocol_max": between(1, U32), **GREETING},
    "Welcome": {"protocol": between(1, U32), "hello_nonce": size(16), **GREETING},
    "Rosters": {"rosters": upto(ITEMS_MOST)},
    "Cards": {"cards": upto(ITEMS_MOST)},
    "WantCards": {"cards": upto(2048)},
    "Heads": {"heads": upto(HEADS_MOST)},
    "Fetch": {
        **NUMBERED_FETCH,
        "feed": THERE,
        "after_number": upto(NUMBER),
        "after_hash": size(32),
        "standing": MAY_BE_ABSENT,
        "headers_only": MAY_BE_ABSENT,
        "credit_limit": upto(NUMBER),
    },
    "EndFetch": NUMBERED_FETCH,
    "RunPart": {
        **NUMBERED_FETCH,
        "index": upto(RUN_MOST),
        "last": MAY_BE_ABSENT,
        "end": MAY_BE_ABSENT,
        "bytes": upto(PART_MOST),
    },
    "Ack": {"heads": upto(HEADS_MOST), "credit_limit": Rule(0, NUMBER, True)},
    "Nope": {
        **NUMBERED_FETCH,
        "reason": between(1, U32),
        "number": Rule(0, NUMBER, True),
        "hash": size(32, absent=True),
    },
    "FetchPayload": {**NUMBERED_FETCH, "feed": THERE, "number": between(1, NUMBER)},
    "PayloadFound": {**NUMBERED_FETCH, "feed": THERE, "number": between(1, NUMBER), "payload": THERE},
    "Proof": {"run": THERE},
    "Ping": {"token": THERE},
    "Pong": {"token": THERE},
    "Bye": {"reason": upto(U32)},
    "Beacon": {
        "coalition": size(32),
        "origin": size(16),
        "sequence": between(1, NUMBER),
        "card_number": between(1, U32),
        "own": upto(160),
        "held": upto(160),
    },
    "SignedBeacon": {"body": upto(12 * KIB), "signature": size(64)},
    "Beacons": {"beacons": upto(ITEMS_MOST)},
}
# Signed things in a list are refused one by one, by whoever takes them up, and
# not with the message that brings them.
_LEFT_TO_OTHERS = {"SignedCard", "SignedRoster", "SignedBeacon", "Commit"}


def check(message: Message) -> Message:
    """Holds a parsed message against its rules, and what it contains. Returns it."""
    name = message.DESCRIPTOR.name
    for field in message.DESCRIPTOR.fields:
        rule = RULES[name][field.name]
        where = f"{name}.{field.name}"
        if field.label == FieldDescriptor.LABEL_REPEATED:
            _check_list(field, rule, getattr(message, field.name), where)
        elif message.HasField(field.name):
            _check_value(field, rule, getattr(message, field.name), where)
        else:
            refuse_unless(rule.absent, "missing-field", where)
    return message


def _check_list(field: FieldDescriptor, rule: Rule, values, where: str) -> None:
    refuse_unless(len(values) >= rule.low, "missing-field", where)
    refuse_unless(len(values) <= rule.high, "too-many", where)
    one = Rule(form=rule.form)
    for value in values:
        if field.message_type is None or field.message_type.name not in _LEFT_TO_OTHERS:
            _check_value(field, one, value, where)


def _check_value(field: FieldDescriptor, rule: Rule, value, where: str) -> None:
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if field.message_type.name not in ("SignedRoster", "Run"):
            check(value)
    elif field.type == FieldDescriptor.TYPE_STRING:
        if rule.form:
            rule.form(value)
    elif field.type == FieldDescriptor.TYPE_BYTES:
        if rule.low == rule.high:
            refuse_unless(len(value) == rule.low, "bad-length", where)
        refuse_unless(len(value) <= rule.high, "too-big", where)
    elif field.type != FieldDescriptor.TYPE_BOOL:
        refuse_unless(rule.low <= value <= rule.high, "bad-value", where)


def check_payload(payload: Message) -> None:
    """`check`, and what belongs together: a salt and a body where it is present, and only there."""
    check(payload)
    if payload.state == 1:
        refuse_unless(payload.HasField("salt") and payload.HasField("body"), "missing-field", "Payload")
        refuse_unless(len(payload.salt) == 16, "bad-length", "Payload.salt")
    else:
        refuse_unless(not payload.HasField("salt") and not payload.HasField("body"), "bad-value", "Payload")


# ---- link messages and publications ----


def read_link(data: bytes) -> link_pb2.LinkMessage:
    message = parse(link_pb2.LinkMessage, data, LINK)
    kind = message.WhichOneof("body")
    refuse_unless(kind, "unknown-message")
    if kind == "hello":
        refuse_unless(not message.HasField("session"), "bad-value", "session")
    else:
        refuse_unless(message.HasField("session"), "missing-field", "session")
        refuse_unless(len(message.session) == 16, "bad-length", "session")
    body = check(getattr(message, kind))
    _TOGETHER.get(kind, lambda _: None)(body)
    return message


def _check_versions(hello: link_pb2.Hello) -> None:
    refuse_unless(hello.protocol_min <= hello.protocol_max, "bad-value", "protocol_max")


def _check_part(part: link_pb2.RunPart) -> None:
    refuse_unless(part.bytes or part.last or part.end, "bad-length", "RunPart.bytes")


_TOGETHER = {
    "hello": _check_versions,
    "run_part": _check_part,
    "payload_found": lambda found: check_payload(found.payload),
}


def read_publication(coalition: bytes, topic: bytes, data: bytes) -> link_pb2.Publication:
    """What it contains, a head apart, is checked by whoever takes it up."""
    refuse_unless(topic == coalition[:16], "bad-topic")
    message = parse(link_pb2.Publication, data, PUBLICATION)
    kind = message.WhichOneof("body")
    refuse_unless(kind, "unknown-message")
    if kind == "head":
        check(message.head)
    return message


def link_message(session: bytes, **body: Message) -> bytes:
    """One encoded LinkMessage: link_message(id, ping=Ping(token=1))."""
    message = link_pb2.LinkMessage(**body)
    if session:
        message.session = session
    return message.SerializeToString()
