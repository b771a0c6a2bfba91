"""Vectors of runs, commits and headers: what decoding alone finds in them. Reasons
are written here by hand, from docs/protocol.md sections 2, 3 and 10."""

from enlace.v1 import commit_pb2

import crypto
import fixture as f
from byhand import case, having, inner, number, without
from feed import FeedId, run_message

FEED = FeedId(f.ORIGINS["GT"], 1, 1)

# ---- runs: what decoding finds in them ----


def make() -> list[dict]:
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
