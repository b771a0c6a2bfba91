"""Serving: fetches of runs and payloads that peers open. Docs/protocol.md, section 7."""

from enlace.v1 import link_pb2

import packing
import wire
from base import Base
from document import Refused, refuse_unless
from feed import Commit, Feed, FeedId, Head, run_message
from session import OPEN, Sending, Serving as Served, Session

PROOF_MOST = 190 * wire.KIB


class Serving(Base):
    def on_fetch(self, session: Session, fetch: link_pb2.Fetch) -> None:
        refuse_unless(fetch.fetch not in session.serving, "unexpected", "fetch")
        session.allowed.raise_to(fetch.credit_limit)
        id_ = FeedId.of(fetch.feed)
        try:
            feed = self._served_feed(id_)
            if self._find_after(session, fetch, feed):
                session.serving[fetch.fetch] = Served(
                    fetch.fetch, id_, fetch.after_number, fetch.standing, fetch.headers_only
                )
        except Refused as refused:
            self.say_nope(session, fetch.fetch, refused.reason)
        self.pump(session)

    def _served_feed(self, id_: FeedId) -> Feed:
        refuse_unless(id_.lane <= 1, "not-allowed")
        feed = self.feeds.get(id_)
        refuse_unless(feed and feed.commits, "unknown-feed")
        return feed

    def _find_after(self, session: Session, fetch: link_pb2.Fetch, feed: Feed) -> bool:
        """Whether what is held goes on from the follower's head; where it does not, it is shown."""
        at, within = feed.ending_at(fetch.after_number), feed.holding(fetch.after_number)
        if within and not at:
            self._show_from(session, feed, within[0].first - 1)
        refuse_unless(at or fetch.after_number == 0, "out-of-order")
        hash_ = at.hash if at else feed.start
        if hash_ == fetch.after_hash:
            return True
        self._show_from(session, feed, at.first - 1 if at else 0)
        if at:
            self.ask_for_proof(session, feed, Head(feed.id, at.last, at.hash))
        self.say_nope(session, fetch.fetch, "diverged", number=fetch.after_number, hash=hash_)
        return False

    def _show_from(self, session: Session, feed: Feed, after: int) -> None:
        run = run_message(feed.run_after(after), headers_only=True)
        if run.commits and run.ByteSize() <= PROOF_MOST:
            self.say(session, proof=link_pb2.Proof(run=run))

    def on_end_fetch(self, session: Session, end: link_pb2.EndFetch) -> None:
        session.serving.pop(end.fetch, None)
        if session.sending and session.sending.serving.fetch == end.fetch:
            session.sending = None
        self.pump(session)

    # ---- sending ----

    def pump(self, session: Session) -> None:
        """Sends what credit allows: one run at a time, lane 0 first."""
        while session.state == OPEN and (session.sending or self._begin(session)):
            piece = session.allowed.piece
            if not piece:
                return
            part = session.sending.next_part(piece)
            session.allowed.charge(len(part.bytes))
            self.say(session, run_part=part)
            if session.sending.done:
                self._sent(session, session.sending)

    def _begin(self, session: Session) -> bool:
        waiting = [serving for serving in session.serving.values() if not serving.told_end]
        if not waiting:
            return False
        serving = min(waiting, key=lambda one: one.feed.lane)
        run, end = self._next_run(serving)
        data = self.encode_run(run, serving.headers_only) if run else b""
        packed = packing.pack(data) if self.packs and session.packings & packing.ZSTD else None
        session.sending = Sending(serving, packed or data, end, run[-1].last if run else serving.after)
        session.sending.unpacked = len(data) if packed else 0
        self.packed += packed is not None
        return True

    def encode_run(self, run: list[Commit], headers_only: bool) -> bytes:
        return run_message(run, headers_only).SerializeToString()

    def _next_run(self, serving: Served) -> tuple[list[Commit], bool]:
        """Nothing beyond a cut; the run that reaches one ends there, signed or not."""
        feed = self.feeds[serving.feed]
        cut = self.membership.cut_of_feed(*feed.id)
        run = feed.run_after(serving.after, cut)
        last = run[-1].last if run else serving.after
        return run, last == min(feed.head.number, cut.number if cut else feed.head.number)

    def _sent(self, session: Session, sending: Sending) -> None:
        session.sending = None
        sending.serving.after = sending.last_number
        sending.serving.told_end = sending.end
        if sending.end and not sending.serving.standing:
            session.serving.pop(sending.serving.fetch, None)

    # ---- single payloads ----

    def on_fetch_payload(self, session: Session, ask: link_pb2.FetchPayload) -> None:
        if not self.may_ask(session):
            return
        feed = self.feeds.get(FeedId.of(ask.feed))
        found = feed.holding(ask.number) if feed else None
        if not found:
            self.say_nope(session, ask.fetch, "unknown-feed")
            return
        commit, place = found
        answer = link_pb2.PayloadFound(
            fetch=ask.fetch, feed=ask.feed, number=ask.number, payload=commit.payloads[place]
        )
        self.say(session, payload_found=answer)
