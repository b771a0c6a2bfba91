"""Transcripts that end in a view: what commits fold to, whatever the order in
which feeds arrive. Docs/protocol.md, section 8."""

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import crypto
import fixture as f
from cases_applying import offer, recorder_of
from feed import CONSENT, RECORD, RETRACT, Draft, FeedId, run_message
from membership import make_card

GT1 = FeedId(f.ORIGINS["GT"], 1, 1)
RETRACTION = commit_pb2.Retraction().SerializeToString()


def _view(name: str, *authors: f.Author) -> dict:
    """Feed after feed, and the view that they make."""
    recorder = recorder_of(name)
    for author in authors:
        recorder.hold(*author.feed.commits)
    recorder.counts()
    recorder.view(*[(author.feed.id, author.feed.head.number) for author in authors])
    return recorder.case()


def _aimed(author: f.Author, type_: int, target: tuple[int, int, int], body: bytes = b"") -> None:
    """A change that points anywhere at all."""
    draft = Draft(type_, body or f.record("uno", "Otra vez"), author.salts(16), target)
    author.write(draft)


def _one_feed() -> list[dict]:
    nothing = _view("nothing")

    standing = f.Author("GT")
    standing.put("uno")
    standing.put("dos")
    standing.revise(1, "uno", "Otra vez")
    standing.revise(1, "uno", "Y otra")

    retracted = f.Author("GT")
    retracted.put("uno")
    retracted.put("dos")
    retracted.retract(1)
    retracted.revise(1, "uno", "Tarde")
    retracted.retract(1)
    retracted.revise(2, "dos", "Otra vez")

    together = f.Author("GT")
    together.write(together.draft(f.record("uno")), together.draft(f.record("dos")), together.draft(RETRACTION, RETRACT, 1))
    together.write(together.draft(f.record("dos", "Otra vez"), target=2), together.draft(f.record("tres")))

    many = f.Author("GT")
    for batch in range(5):
        many.write(*[many.draft(f.record(f"registro{batch}.{place}")) for place in range(20)])
    return [
        nothing,
        _view("a record that is revised twice", standing),
        _view("a record that is retracted, and revised after it", retracted),
        _view("several changes in a commit", together),
        _view("a hundred records", many),
    ]


def _counts_for_nothing() -> list[dict]:
    """Changes whose target creates no record that they may touch."""
    cases = []
    for name, type_, target in (
        ("a later number", RECORD, (1, 1, 9)),
        ("itself", RECORD, (1, 1, 4)),
        ("a revision", RECORD, (1, 1, 2)),
        ("a retraction", RECORD, (1, 1, 3)),
        ("another lane", RECORD, (1, 0, 1)),
        ("a later epoch", RECORD, (2, 1, 1)),
        ("a retraction, to retract it", RETRACT, (1, 1, 3)),
        ("a record, by an unknown type", 77, (1, 1, 1)),
        ("a record, by a consent", CONSENT, (1, 1, 1)),
    ):
        author, control = f.Author("GT"), f.Author("GT", lane=0)
        control.put("en el carril 0")
        author.put("uno")
        author.revise(1, "uno", "Otra vez")
        author.retract(1)
        _aimed(author, type_, target)
        author.put("dos")
        cases.append(_view(f"a change that points at {name}", control, author))
    creates = f.Author("GT")
    creates.write(creates.draft(b"", type_=77), creates.draft(b"", type_=CONSENT), creates.draft(f.record("uno")))
    cases.append(_view("unknown types and consents create nothing", creates))
    return cases


def _several_feeds() -> list[dict]:
    control, gt, hn = f.Author("GT", lane=0), f.Author("GT"), f.Author("HN")
    body = commit_pb2.Consent(coalition=f.COALITION_ID, version=1).SerializeToString()
    control.write(control.draft(body, type_=CONSENT))
    control.put("en el carril 0")
    gt.put("uno")
    gt.revise(1, "uno", "Otra vez")
    hn.put("uno")
    hn.retract(1)
    feeds = (control, gt, hn)
    return [_view("two members, in one order", *feeds), _view("two members, in the other order", *feeds[::-1])]


def _epochs() -> list[dict]:
    """Epoch 2 revises and retracts what epoch 1 has created, and whose revisions may come later."""
    old = f.Author("GT")
    for key in ("uno", "dos", "tres"):
        old.put(key)
    old.revise(1, "uno", "Otra vez")
    old.retract(3)
    head = old.feed.head
    keys = crypto.Keys.derived("GT again")
    renewed = crypto.Keys(f.KEYS["GT"].root, keys.signing, f.KEYS["GT"].transport, f.KEYS["GT"].sealing)
    cut = membership_pb2.Cut(epoch=1, lane=1, number=head.number, hash=head.hash)
    card = make_card(renewed, "GT", f.CARDS["GT"], epoch=2, cuts=[cut])
    new = f.Author("GT", epoch=2, card=card, keys=renewed, start=card.hash)
    _aimed(new, RECORD, (1, 1, 1), f.record("uno", "En la época 2"))
    _aimed(new, RETRACT, (1, 1, 2), RETRACTION)
    _aimed(new, RECORD, (1, 1, 3), f.record("tres", "Tarde"))
    new.put("cuatro")
    return [
        _with_card("a new epoch, after the old one", card, old, new),
        _with_card("a new epoch, before the old one", card, new, old),
    ]


def _with_card(name: str, card, *authors: f.Author) -> dict:
    recorder = recorder_of(name)
    recorder.meet("HN")
    recorder.get("HN", cards=link_pb2.Cards(cards=[membership_pb2.SignedCard.FromString(card.signed)]))
    for author in authors:
        recorder.hold(*author.feed.commits)
    recorder.counts()
    recorder.view(*[(author.feed.id, author.feed.head.number) for author in authors])
    return recorder.case()


def _content_makes_no_difference() -> list[dict]:
    author = f.Author("GT")
    author.put("uno")
    author.revise(1, "uno", "Otra vez")
    author.put("dos")
    missing = recorder_of("payloads that are missing")
    missing.meet("HN")
    offer(missing, author, run_message(author.feed.commits, headers_only=True).SerializeToString(), "HN")
    missing.counts()
    missing.view((GT1, 3))

    unreadable = f.Author("GT")
    unreadable.write(unreadable.draft(b"\xff\xff"), unreadable.draft(b""), unreadable.draft(f.record("uno")))
    return [missing.case(), _view("all of them here", author), _view("content that cannot be read", unreadable), _newer_reader()]


def _newer_reader() -> dict:
    author = f.Author("GT")
    commit = author.make(author.draft(f.record("uno")))
    header = commit_pb2.CommitHeader.FromString(commit.header_bytes)
    header.changes[0].min_reader = 99
    author.feed.commits.append(type(commit).read(author.resign(header, commit.payloads)))
    author.put("dos")
    return _view("content for newer readers", author)


def make() -> list[dict]:
    return _one_feed() + _counts_for_nothing() + _several_feeds() + _epochs() + _content_makes_no_difference()
