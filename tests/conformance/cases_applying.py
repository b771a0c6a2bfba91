"""Transcripts of what comes into feeds: runs, publications, contradictions,
payloads. Docs/protocol.md, sections 3 and 7. Reasons are given by hand."""

from typing import Callable, Optional

from enlace.v1 import commit_pb2, link_pb2

import crypto
import fixture as f
from document import NUMBERS
from feed import PRESENT, FeedId, Head, run_message
from scenario import Recorder

GT1 = FeedId(f.ORIGINS["GT"], 1, 1)


def recorder_of(name: str, listening: bool = True) -> Recorder:
    return Recorder(name, f, listening)


def offer(recorder: Recorder, author: f.Author, run: bytes, link: str = "GT", claim: Optional[int] = None) -> None:
    """Claims more of a feed than the node holds, and brings this run when it asks."""
    feed = author.feed
    number = feed.head.number if claim is None else claim
    head = Head(feed.id, number, feed.head.hash)
    said = recorder.get(link, heads=link_pb2.Heads(heads=[head.message()]))
    asked = [message.fetch.fetch for message in said if message.WhichOneof("body") == "fetch"]
    recorder.fetch = asked[-1] if asked else recorder.fetch
    bring(recorder, run, link)


def bring(recorder: Recorder, run: bytes, link: str = "GT") -> None:
    """A run of at most 8 KB, whole, under the fetch that is open."""
    part = link_pb2.RunPart(fetch=recorder.fetch, index=0, last=True, end=True, bytes=run)
    recorder.get(link, run_part=part)


def author_of(*puts: str, **fields) -> f.Author:
    author = f.Author("GT", **fields)
    for key in puts:
        author.put(key)
    return author


# ---- what is taken ----


def _taken() -> list[dict]:
    one = recorder_of("a run of one commit")
    author = author_of("uno")
    one.meet("GT")
    offer(one, author, f.run_bytes(*author.feed.commits))
    one.view((GT1, 1))

    relayed = recorder_of("of three commits only the last signature is kept and served")
    author = author_of("uno", "dos", "tres")
    relayed.meet("GT")
    offer(relayed, author, f.run_bytes(*author.feed.commits))
    relayed.meet("HN")
    start = author.feed.start
    relayed.get("HN", fetch=link_pb2.Fetch(fetch=1, feed=GT1.message(), after_number=0, after_hash=start, credit_limit=8192))
    relayed.view((GT1, 3))

    overlap = recorder_of("a run that begins before the head")
    author = author_of("uno", "dos", "tres")
    overlap.hold(*author.feed.commits[:2])
    overlap.meet("HN")
    offer(overlap, author, f.run_bytes(*author.feed.commits), "HN")
    overlap.view((GT1, 3))

    control = recorder_of("lane 0, with a consent")
    author = f.Author("GT", lane=0)
    body = commit_pb2.Consent(coalition=f.COALITION_ID, version=1).SerializeToString()
    author.write(author.draft(body, type_=3))
    control.meet("GT")
    offer(control, author, f.run_bytes(*author.feed.commits))
    control.view((author.feed.id, 1))

    unknown = recorder_of("changes of unknown types are taken")
    author = f.Author("GT")
    author.write(author.draft(b"\xff", type_=77), author.draft(b"", type_=4), author.draft(f.record("uno")))
    unknown.meet("GT")
    offer(unknown, author, f.run_bytes(*author.feed.commits))
    unknown.view((GT1, 3))
    for recorder in (one, relayed, overlap, control, unknown):
        recorder.counts()
    return [recorder.case() for recorder in (one, relayed, overlap, control, unknown)]


# ---- what is refused, layer by layer ----

Alter = Callable[[f.Author], bytes]


def _refused(name: str, reason: str, alter: Alter, held: int = 1, number: int = 0) -> dict:
    """GT's next commit, altered on its way through HN; `held` commits of it are held before."""
    recorder, author = recorder_of(name), author_of("uno", "dos")
    recorder.hold(*author.feed.commits[:held])
    recorder.meet("HN")
    full, author.feed.commits = author.feed.commits, author.feed.commits[:held]
    author.full = full
    run = alter(author)
    offer(recorder, author, run, "HN", claim=held + 1)
    recorder.counts(**{reason.replace("-", "_"): 1})
    recorder.view(*([(GT1, number or held)] if number or held else []))
    return recorder.case()


def _next(author: f.Author) -> commit_pb2.Commit:
    return author.make(author.draft(f.record("tres"))).message()


def _run(author: f.Author, *commits: commit_pb2.Commit) -> bytes:
    return commit_pb2.Run(feed=author.feed.id.message(), commits=commits).SerializeToString()


def _resigned(author: f.Author, keys: Optional[crypto.Keys] = None, **fields) -> commit_pb2.Commit:
    """The next commit with another header, under its author's signature or another's."""
    commit = _next(author)
    header = commit_pb2.CommitHeader.FromString(commit.header)
    for name, value in fields.items():
        setattr(header, name, value)
    return author.resign(header, commit.payloads, keys)


def _flipped(data: bytes, place: int = -1) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def _altered(author: f.Author, layer: str) -> bytes:
    commit = _next(author)
    if layer == "header":
        commit.header = commit_pb2.CommitHeader.FromString(commit.header).SerializeToString()
        header = commit_pb2.CommitHeader.FromString(commit.header)
        header.time_ms += 1
        commit.header = header.SerializeToString()
    elif layer == "body":
        commit.payloads[0].body = _flipped(commit.payloads[0].body)
    elif layer == "salt":
        commit.payloads[0].salt = _flipped(commit.payloads[0].salt)
    elif layer == "signature":
        commit.signature = _flipped(commit.signature)
    elif layer == "unsigned":
        commit.ClearField("signature")
    return _run(author, commit)


def _in_another_coalition(author: f.Author) -> bytes:
    other = f.Author("GT", coalition=bytes(32))
    other.feed, other.time_ms = author.feed, author.time_ms
    return _run(author, _next(other))


def _signed_as_beacon(author: f.Author) -> bytes:
    commit = _next(author)
    text = crypto.beacon_text(f.COALITION_ID, crypto.commit_hash(commit.header))
    commit.signature = crypto.sign(f.KEYS["GT"].signing, text)
    return _run(author, commit)


def _two(author: f.Author, **fields) -> bytes:
    """Two commits, of which the second has another header."""
    first = author.make(author.draft(f.record("tres")))
    author.feed.commits = [*author.feed.commits, first]
    second = _resigned(author, **fields)
    run = _run(author, first.message(), second)
    author.feed.commits = author.feed.commits[:-1]
    return run


def _layers() -> list[dict]:
    cases = [
        _refused("a header altered", "bad-signature", lambda a: _altered(a, "header")),
        _refused("a body altered", "bad-commitment", lambda a: _altered(a, "body")),
        _refused("a salt altered", "bad-commitment", lambda a: _altered(a, "salt")),
        _refused("a signature altered", "bad-signature", lambda a: _altered(a, "signature")),
        _refused("a signature left out", "unsigned", lambda a: _altered(a, "unsigned")),
        _refused("signed by another member", "bad-signature", lambda a: _run(a, _resigned(a, f.KEYS["HN"]))),
        _refused("signed by the root key", "bad-signature", lambda a: _run(a, _resigned(a, _with_root(a)))),
        _refused("signed in another coalition", "bad-signature", _in_another_coalition),
        _refused("signed as a beacon is", "bad-signature", _signed_as_beacon),
        _refused("a gap before it", "out-of-order", lambda a: _run(a, _resigned(a, first_number=3))),
        _refused("a gap within a run", "out-of-order", lambda a: _two(a, first_number=4)),
        _refused("another previous within a run", "broken-chain", lambda a: _two(a, previous=bytes(32))),
        _refused("time that falls", "time-backwards", lambda a: _run(a, _resigned(a, time_ms=f.T0))),
        _refused("time that falls within a run", "time-backwards", lambda a: _two(a, time_ms=f.T0)),
        _refused("under a card that is not here", "unknown-card", lambda a: _run(a, _resigned(a, card_number=2))),
        _refused("of a newer form", "too-new", lambda a: _run(a, _resigned(a, header_version=2))),
        _refused("a header in another form", "not-canonical", _other_form),
        _refused("of another feed than asked for", "unexpected", _other_feed),
        _refused("bytes that are no run", "truncated", lambda a: b"\x0a\x7f"),
        _refused("another first previous", "broken-chain", lambda a: _run(a, _resigned(a, previous=bytes(32))), held=0),
        _refused("a beginning that is not the first", "out-of-order", lambda a: f.run_bytes(a.full[1]), held=0),
    ]
    return cases


def _with_root(author: f.Author) -> crypto.Keys:
    keys = author.keys
    return crypto.Keys(keys.root, keys.root, keys.transport, keys.sealing)


def _other_form(author: f.Author) -> bytes:
    commit = _next(author)
    data = commit.header
    return _run(author, author.sign(data[2:] + data[:2], commit.payloads))


def _other_feed(author: f.Author) -> bytes:
    return f.run_bytes(f.Author("GT", lane=0).put("uno"))


# ---- feeds that cannot be ----


def _no_such_feed() -> list[dict]:
    cases = []
    for name, reason, feed in (
        ("a head of an origin that is not in the roster", "unknown_origin", FeedId(f.ORIGINS["NI"], 1, 1)),
        ("a head of a restricted lane", "not_allowed", FeedId(f.ORIGINS["GT"], 1, 2)),
        ("a head of an epoch that no card has started", "wrong_epoch", FeedId(f.ORIGINS["GT"], 2, 1)),
    ):
        recorder = recorder_of(name)
        recorder.meet("GT")
        recorder.get("GT", heads=link_pb2.Heads(heads=[Head(feed, 1, bytes(32)).message()]))
        recorder.counts(**{reason: 1})
        recorder.view()
        cases.append(recorder.case())
    return cases


# ---- publications ----


def _meet_dialled(name: str) -> Recorder:
    recorder = recorder_of(name, listening=False)
    recorder.up("HN", dialled=True)
    recorder.welcome("HN")
    recorder.get("HN", heads=link_pb2.Heads())
    return recorder


def _publications() -> list[dict]:
    fits, author = _meet_dialled("a publication that fits"), author_of("uno", "dos")
    fits.publication("HN", run=run_message(author.feed.commits[:1]))
    fits.publication("HN", run=run_message(author.feed.commits[1:]))
    fits.counts()
    fits.view((GT1, 2))

    again, author = _meet_dialled("a publication that comes again"), author_of("uno")
    again.publication("HN", run=run_message(author.feed.commits))
    again.publication("HN", run=run_message(author.feed.commits))
    again.counts()
    again.view((GT1, 1))

    gap, author = _meet_dialled("a gap is fetched"), author_of("uno", "dos", "tres")
    said = gap.publication("HN", run=run_message(author.feed.commits[2:]))
    gap.fetch = said[-1].fetch.fetch
    bring(gap, f.run_bytes(*author.feed.commits), "HN")
    gap.counts()
    gap.view((GT1, 3))

    head, author = _meet_dialled("a head is fetched"), author_of("uno")
    said = head.publication("HN", head=author.feed.head.message())
    head.fetch = said[-1].fetch.fetch
    bring(head, f.run_bytes(*author.feed.commits), "HN")
    head.counts()
    head.view((GT1, 1))

    relayed = recorder_of("what a node takes it publishes as it came")
    author = author_of("uno")
    relayed.meet("GT")
    relayed.meet("HN")
    offer(relayed, author, f.run_bytes(*author.feed.commits))
    relayed.counts()
    return [recorder.case() for recorder in (fits, again, gap, head, relayed)] + _publications_refused()


def _publications_refused() -> list[dict]:
    author = author_of("uno", "dos")
    one = run_message(author.feed.commits[:1])
    unsigned, forged = run_message(author.feed.commits[:1]), run_message(author.feed.commits[:1])
    unsigned.commits[0].ClearField("signature")
    forged.commits[0].signature = _flipped(forged.commits[0].signature)
    stranger = f.Author("NI").put("uno")
    sealed = f.Author("GT", lane=2).put("uno")
    data = link_pb2.Publication(run=one).SerializeToString()
    cases = []
    for name, reason, topic, body in (
        ("another topic", "bad_topic", bytes(16), data),
        ("bytes that are none", "truncated", None, data[:-1]),
        ("nothing in it", "unknown_message", None, b""),
        ("two commits", "too_many", None, link_pb2.Publication(run=run_message(author.feed.commits)).SerializeToString()),
        ("no signature", "unsigned", None, link_pb2.Publication(run=unsigned).SerializeToString()),
        ("a signature altered", "bad_signature", None, link_pb2.Publication(run=forged).SerializeToString()),
        ("an origin that is not in the roster", "unknown_origin", None, link_pb2.Publication(run=run_message([stranger])).SerializeToString()),
        ("a restricted lane", "not_allowed", None, link_pb2.Publication(run=run_message([sealed])).SerializeToString()),
    ):
        recorder = _meet_dialled(f"a publication with {name}")
        recorder.publication("HN", topic=topic, data=body)
        recorder.counts(**{reason: 1})
        recorder.view()
        cases.append(recorder.case())
    return cases


# ---- contradictions ----


def _contradictions() -> list[dict]:
    cases = []

    def one(name: str, reason: str, make: Callable[[f.Author, f.Author], commit_pb2.Run]) -> None:
        """The node holds two commits of one chain; this is of another that parts after the first."""
        recorder, author, other = _meet_dialled(name), author_of("uno"), author_of("uno")
        author.put("dos")
        recorder.hold(*author.feed.commits)
        other.put("otro")
        recorder.publication("HN", run=make(author, other))
        recorder.counts(**{reason: 1})
        recorder.view((GT1, 2))
        cases.append(recorder.case())

    def unsigned_by_origin(author: f.Author, other: f.Author) -> commit_pb2.Run:
        run = run_message(other.feed.commits[1:])
        run.commits[0].signature = _flipped(run.commits[0].signature)
        return run

    def next_of_other(author: f.Author, other: f.Author) -> commit_pb2.Run:
        return run_message([other.put("tercero")])

    one("another commit with a number that is held", "diverged", lambda a, o: run_message(o.feed.commits[1:]))
    one("another commit with a number below the head", "diverged", lambda a, o: run_message([f.Author("GT").put("otro")]))
    one("one that goes on from another commit", "diverged", next_of_other)
    one("another commit, not signed by its origin", "broken_chain", unsigned_by_origin)
    return cases


def _proofs() -> list[dict]:
    """Two commits are held; what comes is a Proof, headers alone."""
    cases = []

    def one(name: str, make: Callable[[f.Author, f.Author], commit_pb2.Run], **counts: int) -> None:
        recorder, author, other = _meet_dialled(name), author_of("uno"), author_of("uno")
        author.put("dos")
        other.put("otro")
        recorder.hold(*author.feed.commits)
        run = make(author, other)
        for commit in run.commits:
            commit.payloads[0].CopyFrom(commit_pb2.Payload(state=3))
        recorder.get("HN", proof=link_pb2.Proof(run=run))
        recorder.counts(**counts)
        recorder.view((GT1, 2))
        cases.append(recorder.case())

    def first_of_another(author: f.Author, other: f.Author) -> commit_pb2.Run:
        return run_message([f.Author("GT").put("otro")])

    def forged(author: f.Author, other: f.Author) -> commit_pb2.Run:
        run = run_message(other.feed.commits[1:])
        run.commits[0].signature = _flipped(run.commits[0].signature)
        return run

    one("a proof that contradicts the head", lambda a, o: run_message(o.feed.commits[1:]), diverged=1)
    one("a proof that contradicts what is below the head", first_of_another, diverged=1)
    one("a proof that goes on from the head is a claim", lambda a, o: run_message([a.put("tres")]))
    one("a proof of what is held", lambda a, o: run_message(a.feed.commits))
    one("a proof that its origin has not signed", forged, broken_chain=1)
    return cases


# ---- the node's own feed, come from elsewhere ----


def _own() -> list[dict]:
    cases = []

    def one(name: str, held: int, number: int, play: Callable[[Recorder, f.Author], None], **counts: int) -> None:
        recorder, author = recorder_of(name), f.Author("CRM")
        for key in ("uno", "dos"):
            author.put(key)
        recorder.meet("GT")
        if held:
            offer(recorder, author, f.run_bytes(*author.feed.commits), claim=held)
            recorder.counts(own_later_commit=1)
        play(recorder, author)
        recorder.counts(**counts)
        recorder.view(*([(author.feed.id, number)] if number else []))
        cases.append(recorder.case())

    def later(recorder: Recorder, author: f.Author) -> None:
        offer(recorder, author, f.run_bytes(*author.feed.commits))

    def claimed(recorder: Recorder, author: f.Author) -> None:
        recorder.get("GT", heads=link_pb2.Heads(heads=[author.feed.head.message()]))
        number = max(recorder.player.node.sessions["GT"].following)
        recorder.get("GT", nope=link_pb2.Nope(fetch=number, reason=NUMBERS["unknown-feed"]))

    def told(recorder: Recorder, author: f.Author) -> None:
        word = f.node("CRM")
        word.feeds[author.feed.id] = author.feed
        recorder.get("GT", beacons=link_pb2.Beacons(beacons=[word.beacon(sequence=5)]))

    def other(recorder: Recorder, author: f.Author) -> None:
        rival = f.Author("CRM")
        rival.put("uno")
        rival.put("otro")
        run = run_message(rival.feed.commits[1:], headers_only=True)
        recorder.get("GT", proof=link_pb2.Proof(run=run))

    one("a later commit of its own is taken, and fences", 0, 2, later, own_later_commit=1)
    one("a later commit of its own that is merely claimed does not", 0, 0, claimed, unknown_feed=1)
    one("its own signed word on one does", 0, 0, told, own_later_commit=1)
    one("another commit of its own with a number that is held is a fork", 2, 2, other, diverged=1, fork=1)
    return cases


# ---- payloads ----


def _payloads() -> list[dict]:
    found = _meet_dialled("a payload that did not come is asked for")
    author = author_of("uno")
    payload = author.feed.commits[0].payloads[0]
    said = _without_payload(found, author)
    answer = dict(fetch=said, feed=GT1.message(), number=1)
    found.get("HN", payload_found=link_pb2.PayloadFound(**answer, payload=payload))
    found.get("HN", fetch_payload=link_pb2.FetchPayload(fetch=50, feed=GT1.message(), number=1))

    altered = _meet_dialled("a payload that is not the one committed to")
    said = _without_payload(altered, author)
    wrong = commit_pb2.Payload(state=PRESENT, salt=payload.salt, body=_flipped(payload.body))
    altered.get("HN", payload_found=link_pb2.PayloadFound(fetch=said, feed=GT1.message(), number=1, payload=wrong))
    altered.counts(bad_commitment=1)

    unasked = _meet_dialled("a payload of a change that is not held")
    unasked.get("HN", payload_found=link_pb2.PayloadFound(fetch=9, feed=GT1.message(), number=1, payload=payload))
    unasked.counts(unexpected=1)
    return [recorder.case() for recorder in (found, altered, unasked)]


def _without_payload(recorder: Recorder, author: f.Author) -> int:
    """The feed comes with its payload missing; the number under which that is asked for."""
    said = recorder.get("HN", heads=link_pb2.Heads(heads=[author.feed.head.message()]))
    recorder.fetch = said[-1].fetch.fetch
    run = run_message(author.feed.commits, headers_only=True).SerializeToString()
    part = link_pb2.RunPart(fetch=recorder.fetch, index=0, last=True, end=True, bytes=run)
    recorder.get("HN", run_part=part)
    said = recorder.wait(6000)
    return next(m.fetch_payload.fetch for m in said if m.WhichOneof("body") == "fetch_payload")


def make() -> list[dict]:
    return _taken() + _layers() + _no_such_feed() + _publications() + _contradictions() + _proofs() + _own() + _payloads()
