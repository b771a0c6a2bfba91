"""Transcripts of sessions: greeting, serving, following, and what ends a session.
Docs/protocol.md, sections 6, 7 and 11."""

from enlace.v1 import commit_pb2, link_pb2, membership_pb2

import fixture as f
import packing
from feed import FeedId
from membership import make_card
from scenario import Recorder
from session import CREDIT_FIRST

GT1, HN1 = FeedId(f.ORIGINS["GT"], 1, 1), FeedId(f.ORIGINS["HN"], 1, 1)


def _recorder(name: str, listening: bool = True) -> Recorder:
    return Recorder(name, f, listening)


def _head(author: f.Author) -> commit_pb2.Head:
    return author.feed.head.message()


def _fetch(author: f.Author, number: int = 1, after: int = 0, credit: int = CREDIT_FIRST, **fields) -> link_pb2.Fetch:
    feed = author.feed
    at = feed.ending_at(after)
    given = {"feed": feed.id.message(), "after_number": after, "after_hash": at.hash if at else feed.start, **fields}
    return link_pb2.Fetch(fetch=number, credit_limit=credit, **given)


# ---- greeting ----


def _greetings() -> list[dict]:
    accepted = _recorder("a peer dials, nobody has anything")
    accepted.up("GT")
    accepted.hello("GT")
    accepted.get("GT", heads=link_pb2.Heads())
    accepted.counts()

    dialled = _recorder("the node dials, nobody has anything", listening=False)
    dialled.up("GT", dialled=True)
    dialled.welcome("GT")
    dialled.get("GT", heads=link_pb2.Heads())
    dialled.counts()

    heads = _recorder("heads are told")
    gt = f.Author("GT")
    heads.hold(gt.put("uno"), gt.put("dos"))
    heads.up("HN")
    heads.hello("HN")
    heads.counts()
    return [accepted.case(), dialled.case(), heads.case(), _greeting_that_lacks(), _greeting_with_beacons(), _higher_versions()]


def _greeting_that_lacks() -> dict:
    """Cards before rosters, because of the votes, and after them, because of who is new."""
    recorder = _recorder("a peer that lacks a roster and a card")
    second = make_card(f.KEYS["GT"], "GT", f.CARDS["GT"])
    body = f.successor(f.charter_body(), f.COALITION_ID, name="Otro nombre")
    recorder.meet("GT")
    recorder.get("GT", cards=link_pb2.Cards(cards=[membership_pb2.SignedCard.FromString(second.signed)]))
    roster = membership_pb2.SignedRoster.FromString(f.voted(body, ("CRM", "HN")))
    recorder.get("GT", rosters=link_pb2.Rosters(rosters=[roster]))
    recorder.up("HN")
    recorder.hello("HN", cards=[link_pb2.CardNumber(origin=f.ORIGINS[code], number=1) for code in sorted(f.CODES, key=lambda c: f.ORIGINS[c])])
    recorder.counts()
    return recorder.case()


def _greeting_with_beacons() -> dict:
    recorder = _recorder("a beacon that is held is told to who comes")
    beacon = f.node("GT").beacon()
    recorder.meet("GT")
    recorder.get("GT", beacons=link_pb2.Beacons(beacons=[beacon]))
    recorder.up("HN")
    recorder.hello("HN")
    recorder.counts()
    return recorder.case()


def _higher_versions() -> dict:
    recorder = _recorder("a peer that speaks higher versions too")
    recorder.up("GT")
    recorder.hello("GT", protocol=(1, 7))
    recorder.counts()
    return recorder.case()


def _greetings_refused() -> list[dict]:
    cases = []
    for name, reason, protocol, fields in (
        ("another coalition", "wrong_coalition", (1, 1), {"coalition": bytes(32)}),
        ("higher versions alone", "no_common_version", (2, 3), {}),
        ("an origin that is no member", "not_a_member", (1, 1), {"origin": f.ORIGINS["NI"]}),
        ("another member's origin", "not_a_member", (1, 1), {"origin": f.ORIGINS["HN"]}),
    ):
        recorder = _recorder(f"a Hello of {name}")
        recorder.up("GT")
        recorder.hello("GT", protocol=protocol, **fields)
        recorder.counts(**{reason: 1})
        cases.append(recorder.case())
    for name, reason, fields in (
        ("another coalition", "wrong_coalition", {"coalition": bytes(32)}),
        ("a higher version", "no_common_version", {"protocol": 2}),
        ("another member's origin", "not_a_member", {"origin": f.ORIGINS["HN"]}),
        ("another Hello's nonce", "wrong_session", {"hello_nonce": bytes(16)}),
    ):
        recorder = _recorder(f"a Welcome with {name}", listening=False)
        recorder.up("GT", dialled=True)
        recorder.welcome("GT", **fields)
        recorder.counts(**{reason: 1})
        cases.append(recorder.case())
    return cases + _out_of_place()


def _out_of_place() -> list[dict]:
    cases = []

    def one(name: str, reason: str, play, dialled: bool = False) -> None:
        recorder = _recorder(name, listening=not dialled)
        recorder.up("GT", dialled=dialled)
        play(recorder)
        recorder.counts(**{reason: 1})
        cases.append(recorder.case())

    def twice(recorder: Recorder) -> None:
        recorder.hello("GT")
        recorder.hello("GT")

    def welcomed(recorder: Recorder) -> None:
        recorder.hello("GT")
        recorder.get("GT", welcome=link_pb2.Welcome(protocol=1, hello_nonce=bytes(16), **recorder.greeting("GT")))

    def other_session(recorder: Recorder) -> None:
        given = recorder.greeting("GT")
        welcome = link_pb2.Welcome(protocol=1, hello_nonce=recorder.nonces["GT"], **given)
        recorder.get("GT", session=bytes(16), welcome=welcome)

    def after_garbage(recorder: Recorder) -> None:
        recorder.hello("GT")
        recorder.raw("GT", b"\xff")

    one("a message before Hello", "no_hello", lambda r: r.get("GT", ping=link_pb2.Ping(token=1)))
    one("a message before Welcome", "no_hello", lambda r: r.get("GT", heads=link_pb2.Heads()), dialled=True)
    one("a Welcome to a node that was dialled", "unexpected", lambda r: r.welcome("GT"))
    one("a Hello to a node that dialled", "unexpected", lambda r: r.hello("GT"), dialled=True)
    one("a second Hello", "unexpected", twice)
    one("a Welcome after Hello", "unexpected", welcomed)
    one("a Welcome with another session", "wrong_session", other_session, dialled=True)
    one("garbage before Hello", "truncated", lambda r: r.raw("GT", b"\xff"))
    one("garbage in a session", "truncated", after_garbage)
    one("fifteen seconds without a Hello", "no_hello", lambda r: r.wait(15_001))
    return cases


# ---- keeping a session ----


def _kept() -> list[dict]:
    ping = _recorder("a Ping is answered")
    ping.meet("GT")
    ping.get("GT", ping=link_pb2.Ping(token=2**64 - 1))
    ping.get("GT", pong=link_pb2.Pong(token=5))
    ping.counts()

    other = _recorder("a message of another session is counted and dropped")
    other.meet("GT")
    other.get("GT", session=bytes(16), ping=link_pb2.Ping(token=1))
    other.get("GT", session=bytes(16), bye=link_pb2.Bye(reason=97))
    other.get("GT", ping=link_pb2.Ping(token=2))
    other.counts(wrong_session=2)

    bye = _recorder("a Bye ends it")
    bye.meet("GT")
    bye.get("GT", bye=link_pb2.Bye(reason=97))
    bye.counts(stopping=1)

    unknown = _recorder("a Bye with a reason of a later version")
    unknown.meet("GT")
    unknown.get("GT", bye=link_pb2.Bye(reason=60_000))
    unknown.counts(unexpected=1)

    silent = _recorder("thirty seconds of silence end it")
    silent.meet("GT")
    silent.wait(15_000)
    silent.wait(15_001)
    silent.counts(silent=1)

    newer = _recorder("a newer session of the same peer takes its place")
    newer.meet("GT")
    newer.up("GT", link="GT again")
    newer.hello("GT", "GT again")
    newer.get("GT again", ping=link_pb2.Ping(token=3))
    newer.counts(replaced=1)
    return [one.case() for one in (ping, other, bye, unknown, silent, newer)]


# ---- serving ----


def _serving(name: str, puts: int = 3, words: str = "Ejemplo") -> tuple[Recorder, f.Author]:
    recorder, author = _recorder(name), f.Author("GT")
    recorder.hold(*[author.put(f"registro{place}", words) for place in range(puts)])
    recorder.meet("HN")
    return recorder, author


def _served() -> list[dict]:
    whole, author = _serving("a fetch that ends")
    whole.get("HN", fetch=_fetch(author))

    after, author = _serving("a fetch from the middle")
    after.get("HN", fetch=_fetch(author, after=2))

    nothing, author = _serving("a fetch of nothing more")
    nothing.get("HN", fetch=_fetch(author, after=3))

    standing, author = _serving("a fetch that stands goes on when the feed grows")
    standing.get("HN", fetch=_fetch(author, standing=True))
    standing.hold(author.put("otro"))
    standing.get("HN", end_fetch=link_pb2.EndFetch(fetch=1))
    standing.hold(author.put("otro mas"))

    headers, author = _serving("headers alone")
    headers.get("HN", fetch=_fetch(author, headers_only=True))

    credit, author = _serving("parts as far as credit reaches", puts=3, words="largo " * 600)
    credit.get("HN", fetch=_fetch(author))
    credit.get("HN", ack=link_pb2.Ack(credit_limit=CREDIT_FIRST - 1))
    credit.get("HN", ack=link_pb2.Ack(credit_limit=10_000))
    credit.get("HN", ack=link_pb2.Ack(credit_limit=12_000))
    credit.get("HN", fetch=_fetch(author, number=2, credit=40_000))

    stopped, author = _serving("a fetch that is ended goes no further", puts=3, words="largo " * 600)
    stopped.get("HN", fetch=_fetch(author))
    stopped.get("HN", end_fetch=link_pb2.EndFetch(fetch=1))
    stopped.get("HN", ack=link_pb2.Ack(credit_limit=40_000))
    stopped.get("HN", end_fetch=link_pb2.EndFetch(fetch=99))
    cases = [whole, after, nothing, standing, headers, credit, stopped]
    for recorder in cases:
        recorder.counts()
    return [recorder.case() for recorder in cases] + _not_served()


def _not_served() -> list[dict]:
    recorder, author = _serving("what is not served, and why")
    for number, feed in enumerate(
        (FeedId(f.ORIGINS["NI"], 1, 1), FeedId(f.ORIGINS["GT"], 2, 1), FeedId(f.ORIGINS["GT"], 1, 2)), 1
    ):
        recorder.get("HN", fetch=_fetch(author, number=number, feed=feed.message()))
    recorder.get("HN", fetch=_fetch(author, number=4, after_number=9))
    recorder.get("HN", fetch=_fetch(author, number=5, after_number=2, after_hash=bytes(32)))
    recorder.get("HN", fetch=_fetch(author, number=6, after_number=0, after_hash=bytes(32)))

    within, author = _recorder("a fetch from within a commit"), f.Author("GT")
    within.hold(author.write(author.draft(f.record("uno")), author.draft(f.record("dos"))))
    within.meet("HN")
    within.get("HN", fetch=_fetch(author, after_number=1))

    twice, author = _serving("a fetch under a number that is open")
    twice.get("HN", fetch=_fetch(author, standing=True))
    twice.get("HN", fetch=_fetch(author))
    twice.counts(unexpected=1)
    return [recorder.case(), within.case(), twice.case()]


def _strangers() -> list[dict]:
    cases = []
    for name, reason, code in (("a connection of no member", "not_a_member", "NI"), ("a connection of the node itself", "self", "CRM")):
        recorder = _recorder(name)
        recorder.up(code)
        recorder.counts(**{reason: 1})
        cases.append(recorder.case())
    return cases


def _late() -> list[dict]:
    busy = _recorder("more cards asked for than are told in a second")
    busy.meet("HN")
    wanted = [link_pb2.CardNumber(origin=f.ORIGINS["GT"], number=1)] * 33
    busy.get("HN", want_cards=link_pb2.WantCards(cards=wanted))
    busy.counts(busy=1)

    stalled, _, fetch = _following("a fetch that makes no progress")
    stalled.get("GT", run_part=_part(fetch, 0, b"\x0a"))
    stalled.wait(5_000)
    stalled.get("GT", ping=link_pb2.Ping(token=1))
    stalled.wait(5_001)
    stalled.counts(stalled=1)

    alarm = _recorder("three minutes without anybody's beacon are an alarm, once")
    alarm.meet("GT")
    for place in range(15):
        alarm.wait(15_000)
        alarm.get("GT", ping=link_pb2.Ping(token=place + 1))
    alarm.counts(no_beacon=3)
    return [recorder.case() for recorder in (busy, stalled, alarm)]


def _payloads() -> list[dict]:
    recorder, author = _serving("single payloads")
    for number, (feed, change) in enumerate(((GT1, 2), (GT1, 9), (HN1, 1), (FeedId(f.ORIGINS["NI"], 1, 1), 1)), 1):
        recorder.get("HN", fetch_payload=link_pb2.FetchPayload(fetch=number, feed=feed.message(), number=change))
    recorder.get("HN", want_cards=link_pb2.WantCards(cards=[link_pb2.CardNumber(origin=f.ORIGINS["GT"], number=0)]))
    recorder.get("HN", want_cards=link_pb2.WantCards(cards=[link_pb2.CardNumber(origin=f.ORIGINS["GT"], number=1)]))
    return [recorder.case()]


# ---- following ----


def _following(name: str, dialled: bool = False, claim: int = 0) -> tuple[Recorder, f.Author, int]:
    """GT has claimed its feed, and the node has asked for it: the fetch's number."""
    recorder, author = _recorder(name, listening=not dialled), f.Author("GT")
    for place in range(3):
        author.put(f"registro{place}")
    if dialled:
        recorder.up("GT", dialled=True)
        recorder.welcome("GT")
    else:
        recorder.up("GT")
        recorder.hello("GT")
    head = commit_pb2.Head(feed=author.feed.id.message(), number=claim or 3, hash=author.feed.head.hash)
    said = recorder.get("GT", heads=link_pb2.Heads(heads=[head]))
    return recorder, author, said[-1].fetch.fetch


def _part(fetch: int, index: int, data: bytes, **flags) -> link_pb2.RunPart:
    return link_pb2.RunPart(fetch=fetch, index=index, bytes=data, **flags)


def _followed() -> list[dict]:
    cases = []
    for dialled in (False, True):
        who = "the node dialled: it fetches to the end" if dialled else "the node was dialled: its fetch stands"
        recorder, author, fetch = _following(who, dialled)
        data = f.run_bytes(*author.feed.commits)
        recorder.get("GT", run_part=_part(fetch, 0, data[:100]))
        recorder.get("GT", run_part=_part(fetch, 1, data[100:], last=True, end=True))
        recorder.view((GT1, 3))
        if not dialled:
            recorder.get("GT", run_part=_part(fetch, 0, f.run_bytes(author.put("otro")), last=True, end=True))
            recorder.view((GT1, 4))
        recorder.counts()
        cases.append(recorder.case())

    runs, author, fetch = _following("three runs for one fetch")
    for place, commit in enumerate(author.feed.commits, 1):
        end = {"end": True} if place == 3 else {}
        runs.get("GT", run_part=_part(fetch, 0, f.run_bytes(commit), last=True, **end))
        runs.view((GT1, place))
    runs.counts()

    unmet, author, fetch = _following("a claim that is not met", claim=5)
    unmet.get("GT", run_part=_part(fetch, 0, f.run_bytes(*author.feed.commits), last=True, end=True))
    unmet.counts(claim_unmet=1)
    unmet.view((GT1, 3))
    return [*cases, runs.case(), unmet.case(), *_parts_refused(), *_packed()]


def _packed() -> list[dict]:
    """By hand: a raw block, one byte repeated, and what zstd makes of a run."""
    whole, author, fetch = _following("a packed run in three parts, then one as it is")
    data = f.run_bytes(*author.feed.commits)
    frame = packing.pack(data)
    whole.get("GT", run_part=_part(fetch, 0, frame[:9], unpacked=len(data)))
    whole.get("GT", run_part=_part(fetch, 1, frame[9:200]))
    whole.get("GT", run_part=_part(fetch, 2, frame[200:], last=True))
    whole.get("GT", run_part=_part(fetch, 0, f.run_bytes(author.put("otro")), last=True, end=True))
    whole.view((GT1, 4))
    whole.counts()
    cases = [whole.case()]

    def one(name: str, frame_of, size_of=len, reason: str = "bad_packing") -> None:
        recorder, author, fetch = _following(name)
        data = f.run_bytes(*author.feed.commits)
        unpacked = size_of(data)
        recorder.get("GT", run_part=_part(fetch, 0, frame_of(data), unpacked=unpacked, last=True, end=True))
        recorder.counts(**{reason: 1})
        recorder.view()
        cases.append(recorder.case())

    def behind(header: bytes, data: bytes) -> bytes:
        """A frame with another header; what zstd makes begins with magic, descriptor and two bytes of size."""
        frame = packing.pack(data)
        assert frame[4] >> 6 == 1
        return packing.MAGIC + header + frame[7:]

    def size(data: bytes) -> bytes:
        return (len(data) - 256).to_bytes(2, "little")

    skippable = bytes.fromhex("502a4d1800000000")
    one("packed: a byte behind the frame", lambda d: packing.pack(d) + b"x")
    one("packed: a frame behind the frame", lambda d: packing.pack(d) + skippable)
    one("packed: a skippable frame first", lambda d: skippable + packing.pack(d))
    one("packed: the frame is cut off", lambda d: packing.pack(d)[:-1])
    one("packed: no frame at all", lambda d: d[:-1])
    one("packed: another size than was told", packing.pack, lambda d: len(d) + 1)
    one("packed: less than its frame", lambda d: packing.pack(d), lambda d: len(packing.pack(d)) - 1)
    one("packed: more than eight times its frame", lambda d: packing.pack(d)[:20], len)
    one("packed: with a window, not in one segment", lambda d: behind(b"\x40\x50" + size(d), d))
    one("packed: no size in the frame", lambda d: behind(b"\x00\x50", d))
    one("packed: under a dictionary", lambda d: behind(b"\x61\x07" + size(d), d))
    one("packed: a reserved bit", lambda d: behind(b"\x68" + size(d), d))
    one("packed: an unused bit", lambda d: behind(b"\x70" + size(d), d))
    one("packed: its checksum does not hold", lambda d: behind(b"\x64" + size(d), d) + bytes(4))
    one("packed: what was packed is no run", lambda d: packing.pack(b"\xff" * 20 + d), lambda d: len(d) + 20, "bad_varint")

    more, author, fetch = _following("packed: more parts than were told of")
    more.get("GT", run_part=_part(fetch, 0, bytes(600), unpacked=1000))
    more.get("GT", run_part=_part(fetch, 1, bytes(600)))
    more.counts(bad_packing=1)
    twice, author, fetch = _following("packed: its size is told twice")
    twice.get("GT", run_part=_part(fetch, 0, bytes(600), unpacked=1000))
    twice.get("GT", run_part=_part(fetch, 1, bytes(100), unpacked=1000))
    twice.counts(bad_parts=1)
    return [*cases, more.case(), twice.case()]


def _parts_refused() -> list[dict]:
    cases = []

    def one(name: str, reason: str, parts) -> None:
        recorder, author, fetch = _following(name)
        data = f.run_bytes(*author.feed.commits)
        for part in parts(fetch, data):
            recorder.get("GT", run_part=part)
        recorder.counts(**{reason: 1})
        recorder.view()
        cases.append(recorder.case())

    one("a part left out", "bad_parts", lambda n, d: [_part(n, 0, d[:9]), _part(n, 2, d[9:], last=True)])
    one("a part twice", "bad_parts", lambda n, d: [_part(n, 0, d[:9]), _part(n, 1, d[9:18]), _part(n, 1, d[18:])])
    one("a run that begins with part 1", "bad_parts", lambda n, d: [_part(n, 1, d, last=True)])
    one("a part of a fetch that nobody opened", "stale", lambda n, d: [_part(n + 1, 0, d, last=True, end=True)])
    ended, author, fetch = _following("a fetch that was ended goes on")
    ended.get("GT", run_part=_part(fetch, 0, f.run_bytes(f.Author("HN").put("uno")), last=True))
    ended.get("GT", run_part=_part(fetch, 0, bytes(7000)))  # 8,152 of the 8,192 that were granted at its end
    ended.get("GT", run_part=_part(fetch, 1, bytes(1)))
    ended.counts(unexpected=1, stale=2, over_credit=1)
    ended.view()
    cases.append(ended.case())
    one("more than the credit", "over_credit", lambda n, d: [_part(n, 0, bytes(8065))])
    return cases


def make() -> list[dict]:
    return _greetings() + _greetings_refused() + _kept() + _served() + _payloads() + _followed() + _strangers() + _late()
