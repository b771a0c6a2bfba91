"""Bytes into messages: docs/protocol.md, sections 2 and 10.

Every message is walked against its descriptor before protobuf sees it, because
protobuf forgives much of what the document refuses. What passes is parsed and
its fields are held against the tables of section 10.
"""

import re
from dataclasses import replace

from enlace.v1 import link_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from document import KIB, LIMITS, RULES, U64, Limits, Refused, Rule, refuse_unless

NUMBER = 2**53
HEADS_MOST = 512
ITEMS_MOST = 16
PART_MOST = 16 * KIB
COMMIT_MOST = 128 * KIB
RUN_MOST = 1024 * KIB
RUN_COMMITS_MOST = 32
PUBLICATION_MOST = 16 * KIB


LINK = replace(LIMITS["LinkMessage"], unknown=True)
PUBLICATION = replace(LIMITS["Publication"], unknown=True)
RUN = replace(LIMITS["Run"], unknown=True)
HEADER = LIMITS["CommitHeader"]
SIGNED_CARD, CARD = LIMITS["SignedCard"], LIMITS["Card"]
SIGNED_ROSTER, ROSTER = LIMITS["SignedRoster"], LIMITS["Roster"]
SIGNED_BEACON, BEACON = LIMITS["SignedBeacon"], LIMITS["Beacon"]
CHARTER = LIMITS["CharterFile"]

# ---- the walk ----

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDEST = {
    FieldDescriptor.TYPE_UINT32: 2**32 - 1,
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


_FORMS = {"code": check_code, "name": check_name, "country": check_country, "endpoints": check_endpoint}
# These are checked by whoever takes them up: what is signed in a list is refused
# alone, and not with the message that brings it.
_LEFT_TO_OTHERS = {"SignedCard", "SignedRoster", "SignedBeacon", "Commit", "Run", "Payload"}


def check(message: Message) -> Message:
    """Holds a parsed message against its table, and what it contains. Returns it."""
    name = message.DESCRIPTOR.name
    for field in message.DESCRIPTOR.fields:
        rule = RULES[name][field.name]
        where = f"{name}.{field.name}"
        if rule.repeated:
            values = getattr(message, field.name)
            refuse_unless(len(values) >= rule.low, "missing-field", where)
            refuse_unless(len(values) <= rule.high, "too-many", where)
            for value in values:
                _check_entry(field, value)
                refuse_unless(field.type != FieldDescriptor.TYPE_BYTES or len(value) == rule.each, "bad-length", where)
        elif message.HasField(field.name):
            _check_value(field, rule, getattr(message, field.name), where)
        else:
            refuse_unless(rule.absent, "missing-field", where)
    return message


def _check_entry(field: FieldDescriptor, value) -> None:
    if field.type == FieldDescriptor.TYPE_MESSAGE and field.message_type.name not in _LEFT_TO_OTHERS:
        check(value)
    elif field.type == FieldDescriptor.TYPE_STRING:
        _FORMS[field.name](value)


def _check_value(field: FieldDescriptor, rule: Rule, value, where: str) -> None:
    if field.type == FieldDescriptor.TYPE_BYTES:
        if rule.low == rule.high:
            refuse_unless(len(value) == rule.low, "bad-length", where)
        refuse_unless(len(value) <= rule.high, "too-big", where)
    elif field.type in (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64):
        refuse_unless(rule.low <= value <= rule.high, "bad-value", where)
    else:
        _check_entry(field, value)


def check_payload(payload: Message) -> None:
    """A salt and a body where it is present, and only there."""
    rule = RULES["Payload"]["state"]
    refuse_unless(payload.HasField("state"), "missing-field", "Payload.state")
    refuse_unless(rule.low <= payload.state <= rule.high, "bad-value", "Payload.state")
    if payload.state == 1:
        check(payload)
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
    if kind in ("head", "beacons"):
        check(getattr(message, kind))
    return message


def link_message(session: bytes, **body: Message) -> bytes:
    """One encoded LinkMessage: link_message(id, ping=Ping(token=1))."""
    message = link_pb2.LinkMessage(**body)
    if session:
        message.session = session
    return message.SerializeToString()
