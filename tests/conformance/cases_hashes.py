"""Vectors of single functions: hashes, keys, signatures, armour, words."""

import crypto
import fixture as f
from byhand import hexed
from feed import Draft
from pulsing import chain


def _case(name: str, function: str, result, **given) -> dict:
    """Bytes are written as hex, texts as they are."""
    plain = {key: hexed(value) if isinstance(value, bytes) else value for key, value in given.items()}
    return {"name": name, "function": function, **plain, "result": result.hex() if isinstance(result, bytes) else result}


def _hashes() -> list[dict]:
    salt, body = bytes(range(16)), b"un texto"
    long = bytes([0x61]) * 65536
    cases = [
        _case("of a short body", "commitment", crypto.commitment(salt, body), salt=salt, body=body),
        _case("of an empty body", "commitment", crypto.commitment(salt, b""), salt=salt, body=b""),
        _case("with a salt of zeros", "commitment", crypto.commitment(bytes(16), body), salt=bytes(16), body=body),
        _case("of the largest body", "commitment", crypto.commitment(salt, long), salt=salt, body=long),
        _case("of two nonces", "session", crypto.session_id(salt, bytes(16)), hello_nonce=salt, welcome_nonce=bytes(16)),
        _case("the nonces the other way round", "session", crypto.session_id(bytes(16), salt), hello_nonce=bytes(16), welcome_nonce=salt),
    ]
    for step in (0, 1, 255, 256):
        preimage = chain(salt, bytes(range(16)), 2**53 - step)[step]
        cases.append(_case(f"step {step} of a chain", "preimage", preimage, top=salt, origin=bytes(range(16)), sequence=2**53 - step, step=step))
    for function, hash_ in (
        ("commit-hash", crypto.commit_hash),
        ("card-hash", crypto.card_hash),
        ("roster-hash", crypto.roster_hash),
        ("beacon-hash", crypto.beacon_hash),
    ):
        cases += [_case("of a short text", function, hash_(body), data=body), _case("of nothing", function, hash_(b""), data=b"")]
    return cases


def _keys() -> list[dict]:
    cases = []
    for code in f.CODES:
        keys = f.KEYS[code]
        cases += [
            _case(f"{code}, root", "ed25519-public", crypto.ed25519_public(keys.root), seed=keys.root),
            _case(f"{code}, signing", "ed25519-public", crypto.ed25519_public(keys.signing), seed=keys.signing),
            _case(f"{code}", "origin", keys.origin, root_key=crypto.ed25519_public(keys.root)),
        ]
    return cases


def _signatures() -> list[dict]:
    seed, hash_ = f.KEYS["GT"].signing, crypto.commit_hash(b"un texto")
    coalition, other = f.COALITION_ID, bytes(32)
    cases = []
    for kind, text in (
        ("commit", crypto.commit_text(coalition, hash_)),
        ("roster", crypto.roster_text(coalition, hash_)),
        ("beacon", crypto.beacon_text(coalition, hash_)),
    ):
        cases.append(_case(kind, f"sign-{kind}", crypto.sign(seed, text), seed=seed, coalition=coalition, hash=hash_))
    for kind, text in (("card", crypto.card_text(hash_)), ("charter", crypto.charter_text(hash_))):
        cases.append(_case(kind, f"sign-{kind}", crypto.sign(seed, text), seed=seed, hash=hash_))
    text = crypto.commit_text(other, hash_)
    cases.append(_case("the same in another coalition", "sign-commit", crypto.sign(seed, text), seed=seed, coalition=other, hash=hash_))
    return cases


def _for_people() -> list[dict]:
    card = f.CARDS["GT"].signed
    return [
        _case("of the coalition", "words", crypto.eight_words(f.COALITION_ID), coalition=f.COALITION_ID),
        _case("of zeros", "words", crypto.eight_words(bytes(32)), coalition=bytes(32)),
        _case("a card", "armour-card", crypto.armour("card", card), data=card),
        _case("a charter", "armour-charter", crypto.armour("charter", f.CHARTER), data=f.CHARTER),
        _case("a single byte", "armour-card", crypto.armour("card", b"\xff"), data=b"\xff"),
    ]


def _commits() -> list[dict]:
    """Whole commits from what they say: header bytes, hash, signature."""
    author = f.Author("GT")
    first = [author.draft(f.record("uno")), author.draft(f.record("dos"))]
    then = [author.draft(b"", f.RETRACT, 1), author.draft(f.record("dos", "Otro"), target=2), author.draft(b"?", 9)]
    cases = []
    for name, drafts in (("two records", first), ("a retraction, a revision and an unknown type", then)):
        before = author.feed.head
        commit = author.write(*drafts)
        cases.append(_commit_case(name, author, before, commit.header.time_ms, drafts, commit))
    return cases


def _commit_case(name: str, author: f.Author, before, time_ms: int, drafts: list[Draft], commit) -> dict:
    changes = [
        {"type": d.type, "salt": d.salt.hex(), "body": d.body.hex(), **({"target": list(d.target)} if d.target else {})} for d in drafts
    ]
    return {
        "name": name,
        "function": "commit",
        "signing": author.keys.signing.hex(),
        "coalition": author.coalition.hex(),
        "origin": author.feed.id.origin.hex(),
        "epoch": author.feed.id.epoch,
        "lane": author.feed.id.lane,
        "number": before.number,
        "previous": before.hash.hex(),
        "time_ms": time_ms,
        "card_number": 1,
        "changes": changes,
        "header": commit.header_bytes.hex(),
        "signature": commit.signature.hex(),
        "result": commit.hash.hex(),
    }


def make() -> list[dict]:
    return _hashes() + _keys() + _signatures() + _for_people() + _commits()


def make_armour() -> list[dict]:
    """Lines as they come by mail."""
    line = crypto.armour("charter", f.CHARTER)
    other = "A" if line[40] != "A" else "B"
    lines = (
        ("a charter", "charter", line, "ok"),
        ("a card", "card", crypto.armour("card", f.CARDS["GT"].signed), "ok"),
        ("a character altered", "charter", line[:40] + other + line[41:], "bad-armour"),
        ("a character left out", "charter", line[:40] + line[41:], "bad-armour"),
        ("without its check", "charter", line.rsplit(":", 1)[0], "bad-armour"),
        ("its check cut short", "charter", line[:-1], "bad-armour"),
        ("another check", "charter", line[:-1] + ("0" if line[-1] != "0" else "1"), "bad-armour"),
        ("a card's prefix", "charter", line.replace("charter", "card", 1), "bad-armour"),
        ("of a later form", "charter", line.replace("-1:", "-2:", 1), "bad-armour"),
        ("padded", "card", crypto.armour("card", b"\xff").replace("_w:", "_w==:"), "bad-armour"),
        ("the usual alphabet", "card", crypto.armour("card", b"\xff").replace("_w:", "/w:"), "bad-armour"),
        ("bits beyond the last byte", "card", crypto.armour("card", b"\xff").replace("_w:", "_x:"), "bad-armour"),
        ("nothing", "card", "", "bad-armour"),
    )
    cases = []
    for name, kind, text, reason in lines:
        data = {"bytes": crypto.unarmour(kind, text).hex()} if reason == "ok" else {}
        cases.append({"name": name, "kind": kind, "text": text, **data, "reason": reason})
    return cases
