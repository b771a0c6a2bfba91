"""Following: heads, fetches, runs, publications, payloads, forks. Docs/protocol.md, section 7."""

from typing import Hashable, Optional

from enlace.v1 import commit_pb2, link_pb2

import packing
import wire
from base import Base
from document import NAMES, Refused, refuse_unless
from feed import MISSING, PRESENT, Commit, Feed, FeedId, Head, check_commitment, read_run, run_message, run_of
from session import OPEN, Following as Fetching, Session

STALL_MS = 10_000


class Following(Base):
    # ---- what others claim ----

    def on_heads(self, session: Session, heads) -> None:
        for message in heads.heads:
            self.claimed(session, Head.of(message))

    def on_ack(self, session: Session, ack: link_pb2.Ack) -> None:
        session.allowed.raise_to(ack.credit_limit)
        self.on_heads(session, ack)
        self.pump(session)

    def claimed(self, session: Session, head: Head) -> None:
        session.heads[head.feed] = max(head.number, session.heads.get(head.feed, 0))
        try:
            feed = self.check_feed(head.feed)
        except Refused as refused:
            self.counters[refused.reason] += 1
            self._want_cards(session, head.feed, refused.reason)
            return
        if feed.commits and (head.number, head.hash == feed.head.hash) == (feed.head.number, False):
            self.ask_for_proof(session, feed)
        self.plan(session, feed)

    def _want_cards(self, session: Session, feed: FeedId, reason: str) -> None:
        """What was signed under a card that is not here: the card may be there."""
        if reason in ("unknown-card", "wrong-epoch") and self.membership.roster.code_of(feed.origin):
            held = link_pb2.CardNumber(origin=feed.origin, number=len(self.membership.cards.get(feed.origin, [])))
            self.say(session, want_cards=link_pb2.WantCards(cards=[held]))

    def ask_for_proof(self, session: Session, feed: Feed, after: Optional[Head] = None) -> None:
        """The other side of what may be a fork: what the peer has where ours is another."""
        if not feed.stopped and feed.id not in session.proof_asked:
            session.proof_asked.add(feed.id)
            self.fetch(session, feed.id, headers_only=True, after=after)

    def plan(self, session: Session, feed: Feed) -> None:
        """Fetches what the peer claims and this node lacks, its own feeds as any other's."""
        claimed, held = session.heads.get(feed.id, 0), feed.head.number
        behind = claimed > held and not feed.stopped and self.membership.reach(*feed.id) > held
        if behind and not session.follows(feed.id):
            self.fetch(session, feed.id, standing=not session.dialled)

    def fetch(
        self,
        session: Session,
        feed: FeedId,
        standing: bool = False,
        headers_only: bool = False,
        after: Optional[Head] = None,
    ) -> int:
        fetching = Fetching(session.next_fetch(), feed, standing, headers_only, progress_ms=self.now_ms)
        session.following[fetching.fetch] = fetching
        after = after or self.check_feed(feed).head
        request = link_pb2.Fetch(
            fetch=fetching.fetch,
            feed=feed.message(),
            after_number=after.number,
            after_hash=after.hash,
            credit_limit=session.granted.limit,
        )
        if standing:
            request.standing = True
        if headers_only:
            request.headers_only = True
        self.say(session, fetch=request)
        return fetching.fetch

    def _end_fetch(self, session: Session, fetching: Fetching) -> None:
        """What comes of it yet is within what has been granted by now."""
        session.granted.limit_ended = session.granted.limit
        self.say(session, end_fetch=link_pb2.EndFetch(fetch=fetching.fetch))

    def on_nope(self, session: Session, nope: link_pb2.Nope) -> None:
        self.counters[NAMES.get(nope.reason, "unexpected")] += 1
        self.nopes.append(nope)
        fetching = session.following.pop(nope.fetch, None)
        if fetching:
            session.heads.pop(fetching.feed, None)

    # ---- runs ----

    def on_run_part(self, session: Session, part: link_pb2.RunPart) -> None:
        more = session.granted.charge(len(part.bytes), self.now_ms)
        fetching = session.following.get(part.fetch)
        if fetching:
            fetching.progress_ms = self.now_ms
        else:
            self.counters["stale"] += 1  # of a fetch that was ended while this was on its way
            refuse_unless(session.granted.used <= session.granted.limit_ended, "over-credit")
        if more:
            self.say(session, ack=link_pb2.Ack(credit_limit=session.granted.limit))
        if fetching is None:
            return
        whole = session.assembly.add(part)
        if whole is None:
            return
        fetching.caught_up = part.end
        if part.end and not fetching.standing:
            del session.following[part.fetch]
        if self._take_run(session, fetching, whole) and part.end:
            self._reached_end(session, fetching)

    def _take_run(self, session: Session, fetching: Fetching, data: bytes) -> bool:
        """False where it was refused: the fetch is over then."""
        try:
            if data and session.assembly.unpacked:
                data = packing.unpack(data, session.assembly.unpacked)
                self.unpacked += 1
            if data:
                self._take_commits(session, fetching, *read_run(data))
        except Refused as refused:
            self.counters[refused.reason] += 1
            self._want_cards(session, fetching.feed, refused.reason)
            if session.following.pop(fetching.fetch, None):
                self._end_fetch(session, fetching)
            return False
        return True

    def _take_commits(self, session: Session, fetching: Fetching, feed: FeedId, commits: list[Commit]) -> None:
        refuse_unless(feed == fetching.feed, "unexpected")
        if fetching.headers_only:
            self.headers.setdefault(feed, []).extend(commits)
            return
        if self.apply(commits, session):
            session.owed.add(feed)

    def _reached_end(self, session: Session, fetching: Fetching) -> None:
        """What was claimed and has not come is claimed no more."""
        feed = self.feeds[fetching.feed]
        claim = min(session.heads.get(feed.id, 0), self.membership.reach(*feed.id))
        if claim > feed.head.number and not fetching.headers_only:
            self.counters["claim-unmet"] += 1
            session.heads[feed.id] = feed.head.number
            if session.following.pop(fetching.fetch, None):
                self._end_fetch(session, fetching)

    def say_owed(self, session: Session) -> None:
        """Acknowledges what has been taken, once all that came with it has been seen to."""
        heads = [self.feeds[feed].head.message() for feed in sorted(session.owed)]
        session.owed.clear()
        if heads and session.state == OPEN:
            self.say(session, ack=link_pb2.Ack(heads=heads, credit_limit=session.granted.limit))

    def apply(self, commits: list[Commit], source: Optional[Session] = None) -> bool:
        """The one function in which everything that arrives ends; False where all of it is held."""
        feed = self.check_feed(commits[0].feed)
        refuse_unless(not feed.stopped, "diverged")
        self._refuse_contradiction(feed, commits)
        commits = [commit for commit in commits if commit.last > feed.head.number]
        if not commits:
            return False
        taken = feed.check_next(commits, self.membership)
        if feed.id.origin == self.origin:
            self.fall("own-later-commit")
        if len(taken) < len(commits):
            self.counters["beyond-cut"] += 1
        feed.append(taken)
        self.moved(feed, taken, source)
        for commit in taken:
            missing = [place for place, payload in enumerate(commit.payloads) if payload.state == MISSING]
            self.payloads_missing += [(feed.id, commit.first + place) for place in missing]
        return True

    def moved(self, feed: Feed, commits: list[Commit], source: Optional[Session] = None, written: bool = False) -> None:
        """Everybody is told, in the way in which each follows; who is known to hold it by its head alone."""
        if self.listening:
            whole = written or self._lacked(feed, source)
            self.published.append(publication_of(feed, commits if whole else []))
        for session in self.open_sessions():
            for serving in session.serving.values():
                if serving.feed == feed.id:
                    serving.told_end = False
            news = session.heads.get(feed.id, 0) < feed.head.number and not session.serves(feed.id)
            if session.dialled and news:
                self.say(session, heads=link_pb2.Heads(heads=[feed.head.message()]))
            self.pump(session)

    def _lacked(self, feed: Feed, source: Optional[Session]) -> bool:
        """Whether one of those who subscribe may lack its head."""
        others = [s for s in self.open_sessions() if not s.dialled and not (source and s.peer == source.peer)]
        return any(session.heads.get(feed.id, 0) < feed.head.number for session in others)

    def drop_stalled(self, session: Session) -> None:
        """A fetch that makes no progress is ended. One that stands, and has said `end`, waits."""
        for fetching in list(session.following.values()):
            if not fetching.caught_up and self.now_ms - fetching.progress_ms > STALL_MS:
                self.counters["stalled"] += 1
                del session.following[fetching.fetch]
                session.heads.pop(fetching.feed, None)
                self._end_fetch(session, fetching)

    # ---- forks ----

    def _refuse_contradiction(self, feed: Feed, commits: list[Commit]) -> None:
        parting = feed.contradicted_by(commits)
        if parting:
            reason = feed.check_contradiction(parting, self.membership)
            if reason == "diverged":
                self._diverged(feed)
            if reason == "diverged" or feed.id not in self.forks:
                self._prove(feed, parting)
            raise Refused(reason)

    def _diverged(self, feed: Feed) -> None:
        """All lanes of the epoch stop."""
        if feed.id.origin == self.origin:
            self.fall("fork")
        for held in self.feeds.values():
            if held.id[:2] == feed.id[:2]:
                held.stopped = True
                self._end_fetches(held.id)

    def _prove(self, feed: Feed, other: list[Commit]) -> None:
        """Everybody is shown both sides."""
        ours = feed.run_after(other[0].first - 1) or feed.run_after(feed.commits[-1].first - 1)
        self.forks[feed.id] = (other, ours)
        for session in self.open_sessions():
            self.say_forks(session, [feed.id])

    def _end_fetches(self, feed: FeedId) -> None:
        for session in self.open_sessions():
            for fetching in [one for one in session.following.values() if one.feed == feed]:
                del session.following[fetching.fetch]
                self._end_fetch(session, fetching)

    def say_forks(self, session: Session, feeds) -> None:
        for feed in feeds:
            for side in self.forks[feed]:
                self.say(session, proof=link_pb2.Proof(run=run_message(side, headers_only=True)))

    def on_proof(self, session: Session, proof: link_pb2.Proof) -> None:
        """Evidence, that never becomes part of the log: what goes on from the head is a claim."""
        try:
            id_, commits = run_of(proof.run)
            self.proofs.append(commits)
            feed, last = self.check_feed(id_), commits[-1]
            if feed.stopped:
                return
            self._refuse_contradiction(feed, commits)
            if last.last > feed.head.number:
                self.claimed(session, Head(id_, last.last, last.hash))
        except Refused as refused:
            self.counters[refused.reason] += 1

    # ---- publications ----

    def take_publication(self, link: Hashable, topic: bytes, data: bytes) -> None:
        session = self.sessions.get(link)
        if session is None or session.state != OPEN:
            self.counters["no-hello"] += 1
            return
        session.heard_ms = self.now_ms
        try:
            message = wire.read_publication(self.coalition, topic, data)
            self._published(session, message, message.WhichOneof("body"))
        except Refused as refused:
            self.counters[refused.reason] += 1
        self.say_owed(session)

    def _published(self, session: Session, message: link_pb2.Publication, kind: str) -> None:
        if kind == "beacons":
            self.on_beacons(session, message.beacons)
        elif kind == "head":
            self.claimed(session, Head.of(message.head))
        else:
            self._published_commit(session, read_published(message.run))

    def _published_commit(self, session: Session, commit: Commit) -> None:
        feed = self.check_feed(commit.feed)
        session.heads[commit.feed] = max(commit.last, session.heads.get(commit.feed, 0))
        if commit.first > feed.head.number + 1:
            self.claimed(session, Head(commit.feed, commit.last, commit.hash))
            return
        if self.apply([commit], session):
            session.owed.add(feed.id)

    # ---- payloads ----

    def ask_for_missing(self) -> None:
        """Each of a peer that says it holds the change and was not asked yet; what finds none waits."""
        self.payloads_missing = [missing for missing in self.payloads_missing if not self._ask_payload(*missing)]

    def _ask_payload(self, feed: FeedId, number: int) -> bool:
        for session in self.open_sessions():
            asked = (session.link, feed, number)
            if session.heads.get(feed, 0) >= number and asked not in self.payloads_asked:
                self.payloads_asked.add(asked)
                ask = link_pb2.FetchPayload(fetch=session.next_fetch(), feed=feed.message(), number=number)
                self.say(session, fetch_payload=ask)
                return True
        return False

    def on_payload_found(self, session: Session, found: link_pb2.PayloadFound) -> None:
        feed = self.feeds.get(FeedId.of(found.feed))
        held = feed.holding(found.number) if feed else None
        if not held:
            self.counters["unexpected"] += 1
            return
        commit, place = held
        if found.payload.state != PRESENT:
            self.payloads_missing.append((feed.id, found.number))
            return
        try:
            check_commitment(commit.header.changes[place], found.payload)
            commit.payloads[place] = found.payload
        except Refused as refused:
            self.counters[refused.reason] += 1


def read_published(run: commit_pb2.Run) -> Commit:
    """What may be published: one commit with its own signature, of an open lane."""
    feed, commits = run_of(run)
    refuse_unless(len(commits) == 1, "too-many", "Publication.run")
    refuse_unless(commits[0].signature, "unsigned")
    refuse_unless(feed.lane <= 1, "not-allowed")
    return commits[0]


def publication_of(feed: Feed, commits: list[Commit]) -> bytes:
    if len(commits) == 1 and commits[0].signature and all(p.state == PRESENT for p in commits[0].payloads):
        data = link_pb2.Publication(run=run_message(commits)).SerializeToString()
        if len(data) <= wire.PUBLICATION_MOST:
            return data
    return link_pb2.Publication(head=feed.head.message()).SerializeToString()
