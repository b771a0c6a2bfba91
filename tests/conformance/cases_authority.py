"""Transcripts of who belongs and how far each key reaches: cards, rosters, cuts,
epochs, beacons. Docs/protocol.md, sections 4 and 7. Reasons are given by hand."""

from typing import Optional

from enlace.v1 import link_pb2, membership_pb2

import crypto
import fixture as f
from byhand import having
from cases_applying import offer, recorder_of
from feed import FeedId
from membership import Card, make_card, member_entry, sign_card
from scenario import Recorder

GT1 = FeedId(f.ORIGINS["GT"], 1, 1)


def cards(recorder: Recorder, *given: bytes, link: str = "GT"):
    signed = [membership_pb2.SignedCard.FromString(card) for card in given]
    return recorder.get(link, cards=link_pb2.Cards(cards=signed))


def rosters(recorder: Recorder, *given: bytes, link: str = "GT"):
    signed = [membership_pb2.SignedRoster.FromString(roster) for roster in given]
    return recorder.get(link, rosters=link_pb2.Rosters(rosters=signed))


# ---- cards ----


def _other_keys(code: str, **fields) -> crypto.Keys:
    keys, other = f.KEYS[code], crypto.Keys.derived(f"{code} again")
    return crypto.Keys(*(getattr(other if use in fields else keys, use) for use in ("root", "signing", "transport", "sealing")))


def replaced(**fields) -> Card:
    """GT's card 2, with a new signing key."""
    return make_card(_other_keys("GT", signing=True), "GT", f.CARDS["GT"], **fields)


def _cards() -> list[dict]:
    cases = []
    second = replaced()
    body = second.body

    def one(name: str, given: list[bytes], **counts: int) -> None:
        recorder = recorder_of(name)
        recorder.meet("GT")
        cards(recorder, *given)
        recorder.counts(**counts)
        recorder.get("GT", want_cards=link_pb2.WantCards(cards=[link_pb2.CardNumber(origin=f.ORIGINS["GT"], number=0)]))
        cases.append(recorder.case())

    def changed(**fields) -> bytes:
        return sign_card(f.KEYS["GT"], having(body, **fields).SerializeToString())

    third = make_card(f.KEYS["GT"], "GT", second)
    stranger = make_card(f.KEYS["NI"], "NI", f.CARDS["NI"])
    other_root = make_card(_other_keys("GT", root=True), "GT", f.CARDS["GT"], origin=f.ORIGINS["GT"])
    one("the next card", [second.signed])
    one("two at once", [second.signed, third.signed])
    one("one that is held already", [f.CARDS["GT"].signed, second.signed, second.signed])
    one("a card left out", [third.signed], out_of_order=1)
    one("another card with a number that is held", [second.signed, changed(name="Otro")], bad_card=1)
    one("another previous", [changed(previous=bytes(32))], bad_card=1)
    one("another code", [changed(code="HN")], bad_card=1)
    one("another root key than the roster names", [other_root.signed], bad_card=1)
    one("of an origin that is not in the roster", [f.CARDS["NI"].signed], unknown_origin=1)
    one("its second, likewise", [stranger.signed], unknown_origin=1)
    one("an epoch that falls", [replaced(epoch=2).signed, _back_to_epoch_1().signed], bad_card=1)
    one("one of two cannot be read", [having_signature(second.signed), f.CARDS["HN"].signed, second.signed], bad_signature=1)
    return cases


def having_signature(signed: bytes) -> bytes:
    """A signed card with its signature altered."""
    card = membership_pb2.SignedCard.FromString(signed)
    return having(card, signature=card.signature[:-1] + bytes([card.signature[-1] ^ 1])).SerializeToString()


def _back_to_epoch_1() -> Card:
    body = make_card(f.KEYS["GT"], "GT", replaced(epoch=2)).body
    return Card.read(sign_card(f.KEYS["GT"], having(body, epoch=1).SerializeToString()))


# ---- rosters ----


def _roster_case(name: str, given: list[bytes], version: int, after: Optional[list[bytes]] = None, **counts: int) -> dict:
    """The version that the node has in the end shows in its next greeting."""
    recorder = recorder_of(name)
    recorder.meet("GT")
    if after:
        cards(recorder, *after)
    rosters(recorder, *given)
    recorder.counts(**counts)
    recorder.up("HN")
    recorder.hello("HN", roster_version=version, roster_hash=recorder.player.node.membership.roster.hash)
    assert recorder.player.node.membership.roster.body.version == version, name
    recorder.counts()
    return recorder.case()


def _rosters() -> list[dict]:
    charter, id_ = f.charter_body(), f.COALITION_ID
    second = f.successor(charter, id_, name="Otro nombre")
    hash2 = crypto.roster_hash(second.SerializeToString())
    third = f.successor(second, hash2, name="Otro más")
    rival = f.successor(charter, id_, name="Rival")
    higher = f.successor(charter, id_, threshold=4)
    hash_higher = crypto.roster_hash(higher.SerializeToString())
    on_higher = f.successor(higher, hash_higher)
    other_charter = f.charter_body(threshold=3)
    rotated = make_card(_other_keys("GT", signing=True), "GT", f.CARDS["GT"])
    no_card = {"GT": make_card(f.KEYS["GT"], "GT", rotated)}
    old_votes = _members(charter, id_, GT={"min_card": 2})
    hash_old = crypto.roster_hash(old_votes.SerializeToString())
    after_old = f.successor(old_votes, hash_old)
    others = ("CRM", "HN")
    twice = f.voted(second, ("GT", "GT"))
    stranger = f.voted(second, ("GT", "NI"))
    return [
        _roster_case("a roster with two votes", [f.voted(second)], 2),
        _roster_case("two at once", [f.voted(second), f.voted(third, ("HN", "SV"))], 3),
        _roster_case("one that is held already", [f.SIGNED_CHARTER, f.voted(second), f.voted(second)], 2),
        _roster_case("one vote of two", [f.voted(second, ("GT",))], 1, too_few_signatures=1),
        _roster_case("no vote", [f.voted(second, ())], 1, too_few_signatures=1),
        _roster_case("a member that votes twice", [twice], 1, too_few_signatures=1),
        _roster_case("a vote of somebody else", [stranger], 1, too_few_signatures=1),
        _roster_case("a vote for another roster", [_votes_moved(second, third)], 1, too_few_signatures=1),
        _roster_case("a vote under a card that is not here", [f.voted(second, ("CRM", "GT"), no_card)], 1, too_few_signatures=1),
        _roster_case("a vote under a card that was replaced since", [f.voted(second)], 2, [rotated.signed]),
        _roster_case("a vote under a card below min_card", [f.voted(old_votes, others), f.voted(after_old, ("GT", "HN"))], 2, [rotated.signed], too_few_signatures=1),
        _roster_case("a vote under a card that the roster voted for ends", [f.voted(old_votes)], 1, [rotated.signed], too_few_signatures=1),
        _roster_case("the threshold is that of the version before", [f.voted(higher), f.voted(on_higher, ("CRM", "GT", "HN"))], 2, too_few_signatures=1),
        _roster_case("all four, where four are needed", [f.voted(higher), f.voted(on_higher, f.CODES)], 3),
        _roster_case("a version left out", [f.voted(third)], 1, bad_roster=1),
        _roster_case("another previous", [f.voted(having(second, previous=bytes(32)))], 1, bad_roster=1),
        _roster_case("another charter", [f.sign_charter(f.KEYS["CRM"], other_charter)], 1, wrong_coalition=1),
        _roster_case("another valid one of the same version", [f.voted(second), f.voted(rival, ("HN", "SV"))], 2, roster_fork=1),
        _roster_case("another one of the same version, not valid", [f.voted(second), f.voted(rival, ("HN",))], 2, too_few_signatures=1),
        *_members_change(),
    ]


def _votes_moved(second: membership_pb2.Roster, other: membership_pb2.Roster) -> bytes:
    votes = membership_pb2.SignedRoster.FromString(f.voted(other))
    votes.body = second.SerializeToString()
    return votes.SerializeToString()


def _members(before: membership_pb2.Roster, hash_: bytes, joined=(), left=None, **changed) -> membership_pb2.Roster:
    """The next roster with members changed, joined, or left with their cuts."""
    body = f.successor(before, hash_)
    left = left or {}
    members = [*before.members, *(member_entry(f.CARDS[code]) for code in joined)]
    del body.members[:]
    for member in sorted(members, key=lambda m: m.code):
        if member.code not in left:
            body.members.append(having(member, **changed.get(member.code, {})))
    formers = list(before.formers)
    for code, cuts in left.items():
        card = f.CARDS[code].body
        formers.append(membership_pb2.Roster.Former(code=code, origin=card.origin, root_key=card.root_key, cuts=cuts))
    del body.formers[:]
    body.formers.extend(sorted(formers, key=lambda m: m.code))
    return body


def _members_change() -> list[dict]:
    charter, id_ = f.charter_body(), f.COALITION_ID
    joined = _members(charter, id_, joined=("NI",))
    gone = _members(charter, id_, left={"SV": []})
    hash_gone = crypto.roster_hash(gone.SerializeToString())
    back = _members(gone, hash_gone, joined=("SV",))
    del back.formers[:]
    forgotten = f.successor(gone, hash_gone)
    del forgotten.formers[:]
    vanished = f.successor(charter, id_)
    del vanished.members[-1]
    never = _members(charter, id_, left={})
    never.formers.append(membership_pb2.Roster.Former(code="NI", origin=f.ORIGINS["NI"], root_key=f.CARDS["NI"].body.root_key))
    recut = f.successor(gone, hash_gone)
    recut.formers[0].cuts.append(membership_pb2.Cut(epoch=1, lane=1, number=0, hash=bytes(32)))
    again = _members(gone, hash_gone)
    again.members.append(membership_pb2.Roster.Member(code="SVX", origin=f.ORIGINS["SV"], root_key=bytes(32), min_card=1))
    del again.formers[:]
    raised = _members(charter, id_, SV={"min_card": 2})
    its_second = make_card(_other_keys("SV", signing=True), "SV", f.CARDS["SV"])
    hash_raised = crypto.roster_hash(raised.SerializeToString())
    lowered = _members(raised, hash_raised, SV={"min_card": 1})
    return [
        _roster_case("a member joins", [f.voted(joined)], 2),
        _roster_case("a member leaves", [f.voted(gone)], 2),
        _roster_case("a former member comes back", [f.voted(gone), f.voted(back)], 2, bad_roster=1),
        _roster_case("a former origin comes back under another code", [f.voted(gone), f.voted(again)], 2, bad_roster=1),
        _roster_case("a former member is forgotten", [f.voted(gone), f.voted(forgotten)], 2, bad_roster=1),
        _roster_case("a former member's cuts change", [f.voted(gone), f.voted(recut)], 2, bad_roster=1),
        _roster_case("a member vanishes", [f.voted(vanished)], 1, bad_roster=1),
        _roster_case("a former member who never was one", [f.voted(never)], 1, bad_roster=1),
        _roster_case("a member's origin changes", [f.voted(_members(charter, id_, GT={"origin": f.ORIGINS["NI"]}))], 1, bad_roster=1),
        _roster_case("a member's code changes", [f.voted(_members(charter, id_, SV={"code": "SX"}))], 1, bad_roster=1),
        _roster_case("min_card falls", [f.voted(raised), f.voted(lowered)], 2, [its_second.signed], bad_roster=1),
        _roster_case("min_card rises", [f.voted(raised)], 2, [its_second.signed]),
        _roster_case("min_card rises above the cards that are here", [f.voted(raised)], 1, unknown_card=1),
        _roster_case("a root key is replaced", [f.voted(_members(charter, id_, GT={"root_key": bytes(range(32))}))], 2),
        _replaced_root(),
        _removed_in_session(),
    ]


def _replaced_root() -> dict:
    """The new root key signs the next card; the old one signs none any more."""
    keys = _other_keys("GT", root=True)
    body = _members(f.charter_body(), f.COALITION_ID, GT={"root_key": crypto.ed25519_public(keys.root)})
    recorder = recorder_of("the new root key signs, the old one does not")
    recorder.meet("HN")
    rosters(recorder, f.voted(body), link="HN")
    cards(recorder, replaced().signed, link="HN")
    recorder.counts(bad_card=1)
    renewed = having(f.CARDS["GT"].body, number=2, previous=f.CARDS["GT"].hash, root_key=crypto.ed25519_public(keys.root))
    cards(recorder, sign_card(keys, renewed.SerializeToString()), link="HN")
    recorder.counts()
    return recorder.case()


def _removed_in_session() -> dict:
    recorder = recorder_of("a member that is removed loses its session")
    recorder.meet("SV")
    recorder.meet("GT")
    rosters(recorder, f.voted(_members(f.charter_body(), f.COALITION_ID, left={"SV": []})))
    recorder.wait(1000)
    recorder.counts(revoked=1)
    return recorder.case()


# ---- how far a key reaches ----


def _cut(feed, lane: int, number: int, epoch: int = 1) -> membership_pb2.Cut:
    at = feed.ending_at(number)
    return membership_pb2.Cut(epoch=epoch, lane=lane, number=number, hash=at.hash if at else feed.start)


def _written(*keys: str) -> f.Author:
    author = f.Author("GT")
    for key in keys:
        author.put(key)
    return author


def _authority() -> list[dict]:
    cases = []

    def begin(name: str, held: int, *given: bytes, roster: Optional[bytes] = None) -> tuple[Recorder, f.Author]:
        recorder, author = recorder_of(name), _written("uno", "dos", "tres")
        recorder.hold(*author.feed.commits[:held])
        recorder.meet("HN")
        if given:
            cards(recorder, *given, link="HN")
        if roster:
            rosters(recorder, roster, link="HN")
        return recorder, author

    def finish(recorder: Recorder, *heads, **counts: int) -> None:
        recorder.counts(**counts)
        recorder.view(*heads)
        cases.append(recorder.case())

    full = _written("uno", "dos", "tres").feed
    rotated = replaced(cuts=[_cut(full, 1, 2)])
    other_hash = membership_pb2.Cut(epoch=1, lane=1, number=2, hash=bytes(32))

    recorder, author = begin("up to the cut of a later card", 0, rotated.signed)
    offer(recorder, author, f.run_bytes(*author.feed.commits[:2]), "HN", claim=2)
    finish(recorder, (GT1, 2))

    recorder, author = begin("a run that ends at a cut needs no signature", 0, rotated.signed)
    unsigned = f.run_message(author.feed.commits[:2])
    unsigned.commits[1].ClearField("signature")
    offer(recorder, author, unsigned.SerializeToString(), "HN", claim=2)
    finish(recorder, (GT1, 2))

    recorder, author = begin("a run that goes beyond a cut is taken up to it", 0, rotated.signed)
    offer(recorder, author, f.run_bytes(*author.feed.commits), "HN", claim=3)
    finish(recorder, (GT1, 2), beyond_cut=1, claim_unmet=1)

    recorder, author = begin("another commit at the cut", 1, replaced(cuts=[other_hash]).signed)
    offer(recorder, author, f.run_bytes(author.feed.commits[1]), "HN", claim=2)
    finish(recorder, (GT1, 1), beyond_cut=1)

    recorder, author = begin("the new key goes on after the cut", 2, rotated.signed)
    later = f.Author("GT", card=rotated, keys=_other_keys("GT", signing=True))
    later.feed.commits, later.time_ms = list(author.feed.commits[:2]), author.time_ms
    later.put("nuevo")
    offer(recorder, later, f.run_bytes(later.feed.commits[2]), "HN")
    finish(recorder, (GT1, 3))

    recorder, author = begin("the old key does not", 2, rotated.signed)
    offer(recorder, author, f.run_bytes(author.feed.commits[2]), "HN", claim=3)
    finish(recorder, (GT1, 2), beyond_cut=1)

    recorder, author = begin("another chain under a key that was replaced", 2, rotated.signed)
    recorder.publication("HN", run=f.run_message([f.Author("GT").put("otro")]))
    finish(recorder, (GT1, 2), contested=1)

    recorder, author = begin("a card without cuts leaves the old key as it was", 2, replaced().signed)
    offer(recorder, author, f.run_bytes(author.feed.commits[2]), "HN", claim=3)
    finish(recorder, (GT1, 3))

    min_card = f.voted(_members(f.charter_body(), f.COALITION_ID, GT={"min_card": 2}), ("CRM", "HN"))
    recorder, author = begin("below min_card a key reaches nothing that no cut names", 2, replaced().signed, roster=min_card)
    offer(recorder, author, f.run_bytes(author.feed.commits[2]), "HN", claim=3)
    finish(recorder, (GT1, 2), beyond_cut=1)

    recorder, author = begin("below min_card, up to the cut", 1, rotated.signed, roster=min_card)
    offer(recorder, author, f.run_bytes(author.feed.commits[1]), "HN", claim=2)
    finish(recorder, (GT1, 2))

    gone = f.voted(_members(f.charter_body(), f.COALITION_ID, left={"GT": [_cut(full, 1, 2)]}))
    recorder, author = begin("a former member, up to the roster's cut", 0, roster=gone)
    offer(recorder, author, f.run_bytes(*author.feed.commits[:2]), "HN", claim=2)
    finish(recorder, (GT1, 2))

    recorder, author = begin("a former member, beyond it", 1, roster=gone)
    offer(recorder, author, f.run_bytes(*author.feed.commits[1:]), "HN", claim=3)
    finish(recorder, (GT1, 2), beyond_cut=1)

    cases.append(_published_beyond("a former member's feed that the roster does not name", roster=gone))
    _epochs(begin, finish, full)
    ended = replaced(epoch=2, cuts=[_cut(full, 1, 2)])
    cases.append(_published_beyond("a lane of the old epoch that no card names", ended.signed))
    control = f.Author("GT", lane=0)
    control.put("uno")
    back = f.voted(_members(f.charter_body(), f.COALITION_ID, left={"GT": [_cut(control.feed, 0, 1)]}))
    cases.append(_published_beyond("nor does a roster's cut bring that lane back", ended.signed, roster=back))

    recorder, author = begin("of equally low cuts the roster's binds", 0, replaced(cuts=[other_hash]).signed, roster=gone)
    offer(recorder, author, f.run_bytes(*author.feed.commits[:2]), "HN", claim=2)
    finish(recorder, (GT1, 2))

    third = make_card(_other_keys("GT", signing=True, transport=True), "GT", rotated, cuts=[other_hash])
    recorder, author = begin("of two cards' equally low cuts the earlier one's binds", 0, rotated.signed, third.signed)
    offer(recorder, author, f.run_bytes(*author.feed.commits[:2]), "HN", claim=2)
    finish(recorder, (GT1, 2))
    return cases


def _published_beyond(name: str, *given: bytes, roster: Optional[bytes] = None) -> dict:
    """Lane 0, of which no cut says anything: it is not asked for, and not taken when it comes."""
    control = f.Author("GT", lane=0)
    recorder = recorder_of(name, listening=False)
    recorder.up("HN", dialled=True)
    recorder.welcome("HN")
    recorder.get("HN", heads=link_pb2.Heads())
    if given:
        cards(recorder, *given, link="HN")
    if roster:
        rosters(recorder, roster, link="HN")
    commit = control.put("uno")
    recorder.get("HN", heads=link_pb2.Heads(heads=[control.feed.head.message()]))
    recorder.publication("HN", run=f.run_message([commit]))
    recorder.counts(beyond_cut=1)
    recorder.view()
    return recorder.case()


def _epochs(begin, finish, full) -> None:
    """Epoch 2 begins with card 2, which cuts lane 1 of epoch 1 at 2 and names no other lane."""
    card = replaced(epoch=2, cuts=[_cut(full, 1, 2)])
    keys = _other_keys("GT", signing=True)

    def author_2(**fields) -> f.Author:
        author = f.Author("GT", **{"epoch": 2, "card": card, "keys": keys, "start": card.hash, **fields})
        author.put("nuevo")
        return author

    new = author_2()
    recorder, _ = begin("a new epoch begins with its card's hash", 0, card.signed)
    offer(recorder, new, f.run_bytes(*new.feed.commits), "HN")
    finish(recorder, (new.feed.id, 1))

    recorder, author = begin("the old epoch up to its cut, after the new one has begun", 0, card.signed)
    offer(recorder, new, f.run_bytes(*new.feed.commits), "HN")
    offer(recorder, author, f.run_bytes(*author.feed.commits[:2]), "HN", claim=2)
    finish(recorder, (GT1, 2), (new.feed.id, 1))

    recorder, author = begin("the old epoch beyond its cut", 1, card.signed)
    offer(recorder, author, f.run_bytes(*author.feed.commits[1:]), "HN", claim=3)
    finish(recorder, (GT1, 2), beyond_cut=1)

    other_start = author_2(start=f.CARDS["GT"].hash)
    recorder, _ = begin("a new epoch that begins with another card's hash", 0, card.signed)
    offer(recorder, other_start, f.run_bytes(*other_start.feed.commits), "HN")
    finish(recorder, broken_chain=1)

    old_key = author_2(card=f.CARDS["GT"], keys=f.KEYS["GT"])
    recorder, _ = begin("a new epoch under a card of the old one", 0, card.signed)
    offer(recorder, old_key, f.run_bytes(*old_key.feed.commits), "HN")
    finish(recorder, wrong_epoch=1)

    recorder, author = begin("what was taken before its cut was known stays", 3, card.signed)
    finish(recorder, (GT1, 3))


# ---- beacons ----


def _beacons() -> list[dict]:
    cases = []
    first = f.node("GT").beacon()

    def one(name: str, given: list, after: Optional[list[bytes]] = None, **counts: int) -> None:
        recorder = recorder_of(name)
        recorder.meet("HN")
        if after:
            cards(recorder, *after, link="HN")
        for beacon in given:
            recorder.get("HN", beacons=link_pb2.Beacons(beacons=[beacon]))
        recorder.counts(**counts)
        cases.append(recorder.case())

    def signed(code: str = "GT", keys: Optional[crypto.Keys] = None, **fields) -> link_pb2.SignedBeacon:
        node = f.node(code)
        node.keys = keys or node.keys
        return node.beacon(**fields)

    rotated = replaced()
    later = f.T0 + 200_000
    altered = having(first, signature=first.signature[:-1] + bytes([first.signature[-1] ^ 1]))
    stranger = having(link_pb2.Beacon.FromString(first.body), origin=f.ORIGINS["NI"]).SerializeToString()
    one("a beacon is passed on", [first])
    one("a newer one takes its place", [first, signed(sequence=later)])
    one("the same again is nothing", [first, first])
    one("an older one is nothing", [signed(sequence=later), first])
    one("signed by another member", [signed(keys=f.KEYS["HN"])], bad_signature=1)
    one("a signature altered", [altered], bad_signature=1)
    one("of another coalition", [signed(coalition=bytes(32))], wrong_coalition=1)
    one("of an origin that is not in the roster", [link_pb2.SignedBeacon(body=stranger, signature=bytes(64))], unknown_origin=1)
    one("under a card that is not here", [signed(card_number=2)], unknown_card=1)
    one("under a card that was replaced", [first], [rotated.signed], beyond_cut=1)
    one("under the card that replaced it", [signed(keys=_other_keys("GT", signing=True), card_number=2)], [rotated.signed])
    recorder = recorder_of("a new card forgets the beacon before it, whatever its sequence")
    recorder.meet("HN")
    recorder.get("HN", beacons=link_pb2.Beacons(beacons=[signed(sequence=later)]))
    cards(recorder, rotated.signed, link="HN")
    recorder.get("HN", beacons=link_pb2.Beacons(beacons=[signed(keys=_other_keys("GT", signing=True), card_number=2)]))
    cases.append(recorder.case())
    one("bytes that are none, and one that is", [link_pb2.SignedBeacon(body=b"\xff", signature=bytes(64)), first], truncated=1)
    return cases


def make() -> list[dict]:
    return _cards() + _rosters() + _authority() + _beacons()
