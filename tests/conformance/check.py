#!/usr/bin/python3
"""Holds the independent implementation against the vectors that are kept.

Prints TAP, a test a case.
"""

import json
import sys
from pathlib import Path
from typing import Callable

from enlace.v1 import link_pb2, membership_pb2

import crypto
import following
import node
import scenario
import wire
from document import Refused
from feed import Draft, FeedId, Head, make_commit_after, read_run, run_message
from membership import Card, Membership, Roster
from pulsing import chain

VECTORS = Path(__file__).parent / "vectors"


def unhex(value) -> bytes:
    """Hex, or a list of hex and [hex, times]."""
    if isinstance(value, str):
        return bytes.fromhex(value)
    return b"".join(bytes.fromhex(p) if isinstance(p, str) else bytes.fromhex(p[0]) * p[1] for p in value)


class Differs(Exception):
    pass


def same(got, expected, what: str) -> None:
    if got != expected:
        raise Differs(f"{what}: {got!r}, expected {expected!r}")


# ---- hashes.json ----


def _commit(case: dict) -> str:
    id_ = FeedId(bytes.fromhex(case["origin"]), case["epoch"], case["lane"])
    head = Head(id_, case["number"], bytes.fromhex(case["previous"]))
    drafts = [
        Draft(c["type"], bytes.fromhex(c["body"]), bytes.fromhex(c["salt"]), tuple(c["target"]) if "target" in c else None)
        for c in case["changes"]
    ]
    keys = crypto.Keys(b"", bytes.fromhex(case["signing"]), b"", b"")
    made = make_commit_after(head, drafts, keys, bytes.fromhex(case["coalition"]), case["card_number"], case["time_ms"])
    same(made.header_bytes.hex(), case["header"], "header")
    same(made.signature.hex(), case["signature"], "signature")
    return made.hash


FUNCTIONS: dict[str, Callable[[dict], object]] = {
    "commitment": lambda c: crypto.commitment(unhex(c["salt"]), unhex(c["body"])),
    "session": lambda c: crypto.session_id(unhex(c["hello_nonce"]), unhex(c["welcome_nonce"])),
    "commit-hash": lambda c: crypto.commit_hash(unhex(c["data"])),
    "card-hash": lambda c: crypto.card_hash(unhex(c["data"])),
    "roster-hash": lambda c: crypto.roster_hash(unhex(c["data"])),
    "beacon-hash": lambda c: crypto.beacon_hash(unhex(c["data"])),
    "preimage": lambda c: chain(unhex(c["top"]), unhex(c["origin"]), c["sequence"])[c["step"]],
    "ed25519-public": lambda c: crypto.ed25519_public(unhex(c["seed"])),
    "origin": lambda c: crypto.origin_of(unhex(c["root_key"])),
    "sign-commit": lambda c: crypto.sign(unhex(c["seed"]), crypto.commit_text(unhex(c["coalition"]), unhex(c["hash"]))),
    "sign-roster": lambda c: crypto.sign(unhex(c["seed"]), crypto.roster_text(unhex(c["coalition"]), unhex(c["hash"]))),
    "sign-beacon": lambda c: crypto.sign(unhex(c["seed"]), crypto.beacon_text(unhex(c["coalition"]), unhex(c["hash"]))),
    "sign-card": lambda c: crypto.sign(unhex(c["seed"]), crypto.card_text(unhex(c["hash"]))),
    "sign-charter": lambda c: crypto.sign(unhex(c["seed"]), crypto.charter_text(unhex(c["hash"]))),
    "words": lambda c: crypto.eight_words(unhex(c["coalition"])),
    "armour-card": lambda c: crypto.armour("card", unhex(c["data"])),
    "armour-charter": lambda c: crypto.armour("charter", unhex(c["data"])),
    "commit": _commit,
}


def check_hash(case: dict) -> None:
    result = FUNCTIONS[case["function"]](case)
    same(result.hex() if isinstance(result, bytes) else result, case["result"], case["function"])


# ---- bytes.json ----


def _charter(case: dict) -> bytes:
    Membership(unhex(case["bytes"]))
    return membership_pb2.CharterFile.FromString(unhex(case["bytes"])).SerializeToString()


def _publication(case: dict) -> bytes:
    coalition = bytes.fromhex(case["coalition"])
    message = wire.read_publication(coalition, unhex(case["topic"]), unhex(case["bytes"]))
    if message.HasField("run"):
        following.read_published(message.run)
    return message.SerializeToString()


DECODERS: dict[str, Callable[[dict], bytes]] = {
    "link": lambda c: wire.read_link(unhex(c["bytes"])).SerializeToString(),
    "publication": _publication,
    "run": lambda c: run_message(read_run(unhex(c["bytes"]))[1]).SerializeToString(),
    "card": lambda c: Card.read(unhex(c["bytes"])).signed,
    "roster": lambda c: Roster.read(unhex(c["bytes"])).signed,
    "charter": _charter,
    "beacon": lambda c: node.read_beacon(unhex(c["bytes"]))[0].SerializeToString(),
}


def check_bytes(case: dict) -> None:
    reasons = case["reason"] if isinstance(case["reason"], list) else [case["reason"]]
    try:
        again = DECODERS[case["type"]](case)
    except Refused as refused:
        if refused.reason not in reasons:
            raise Differs(f"refused for {refused}, expected {reasons}") from None
        return
    same("ok", reasons[0], "taken")
    if not case.get("lossy"):
        same(again.hex(), unhex(case["bytes"]).hex(), "encoded again")


def check_armour(case: dict) -> None:
    try:
        data = crypto.unarmour(case["kind"], case["text"])
    except Refused as refused:
        same(refused.reason, case["reason"], "refused for")
        return
    same("ok", case["reason"], "taken")
    same(data.hex(), case["bytes"], "bytes")


# ---- made.json ----


def _message(kind: type, fields: dict):
    """A message from its JSON: hex where it has bytes."""
    message = kind()
    for name, value in fields.items():
        field = kind.DESCRIPTOR.fields_by_name[name]
        for one in value if isinstance(value, list) else [value]:
            if field.message_type:
                at = getattr(message, name)
                at = at.add() if isinstance(value, list) else at
                at.CopyFrom(_message(type(at), one))
                at.SetInParent()
                continue
            plain = bytes.fromhex(one) if field.type == field.TYPE_BYTES else one
            if isinstance(value, list):
                getattr(message, name).append(plain)
            else:
                setattr(message, name, plain)
    return message


def _vote(case: dict, data: bytes) -> membership_pb2.SignedRoster:
    coalition, voter = bytes.fromhex(case.get("coalition", "")), bytes.fromhex(case.get("voter", ""))
    hash_ = crypto.roster_hash(data)
    if case["type"] == "charter":
        key, text, number = case["root"], crypto.charter_text(hash_), 0
        voter = membership_pb2.Roster.FromString(data).creator
    else:
        key, text, number = case["signing"], crypto.roster_text(coalition, hash_), 1
    signature = crypto.sign(bytes.fromhex(key), text)
    vote = membership_pb2.RosterSignature(origin=voter, card_number=number, signature=signature)
    return membership_pb2.SignedRoster(body=data, signatures=[vote])


def _signed_card(case: dict, data: bytes) -> membership_pb2.SignedCard:
    signature = crypto.sign(bytes.fromhex(case["root"]), crypto.card_text(crypto.card_hash(data)))
    return membership_pb2.SignedCard(body=data, signature=signature)


def _signed_beacon(case: dict, data: bytes) -> link_pb2.SignedBeacon:
    coalition = link_pb2.Beacon.FromString(data).coalition
    text = crypto.beacon_text(coalition, crypto.beacon_hash(data))
    return link_pb2.SignedBeacon(body=data, signature=crypto.sign(bytes.fromhex(case["signing"]), text))


MADE = {
    "card": (membership_pb2.Card, crypto.card_hash, _signed_card),
    "charter": (membership_pb2.Roster, crypto.roster_hash, _vote),
    "roster": (membership_pb2.Roster, crypto.roster_hash, _vote),
    "beacon": (link_pb2.Beacon, crypto.beacon_hash, _signed_beacon),
}


def check_made(case: dict) -> None:
    kind, hash_, sign = MADE[case["type"]]
    data = _message(kind, case["fields"]).SerializeToString()
    same(data.hex(), case["body"], "body")
    same(hash_(data).hex(), case["hash"], "hash")
    same(sign(case, data).SerializeToString().hex(), case["signed"], "signed")


CHECKS: dict[str, Callable[[dict], None]] = {
    "hashes": check_hash,
    "bytes": check_bytes,
    "armour": check_armour,
    "made": check_made,
}
PLAYED = ("links", "applying", "members", "views")


def outcome(name: str, file: dict, case: dict) -> str:
    """Empty where the case holds, otherwise what differs."""
    try:
        if name in PLAYED:
            scenario.play(case, file)
        else:
            CHECKS[name](case)
    except (Differs, scenario.Differs, Refused) as wrong:
        return str(wrong)
    return ""


def main() -> int:
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(VECTORS.glob("*.json"))}
    cases = [(name, case) for name, file in files.items() for case in file["cases"]]
    failed = 0
    print(f"1..{len(cases)}")
    for place, (name, case) in enumerate(cases, 1):
        differs = outcome(name, files[name], case)
        failed += bool(differs)
        kind = case.get("type", case.get("function", ""))
        print(f"{'not ok' if differs else 'ok'} {place} - {name}, {kind}: {case['name']}")
        if differs:
            print(f"# {differs}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
