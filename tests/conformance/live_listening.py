"""A daemon dials the peer: it subscribes, fetches what it missed, and serves."""

import shutil

from enlace.v1 import link_pb2

import crypto
from feed import FeedId, run_message
from node import Node
from records import record
from session import OPEN


def _session(scene):
    """OUT's session with PYL, opened anew where there is none."""
    node = scene.pyl.node

    def opened():
        return next((s for s in node.sessions.values() if s.state == OPEN and not s.dialled), None)

    scene.wait(opened, "OUT greets")
    return opened()


def a_daemon_dials_greets_and_subscribes(scene) -> None:
    session = _session(scene)
    assert scene.pyl.node.membership.roster.code_of(session.peer) == "OUT"
    topic = b"\x01" + scene.pyl.node.coalition[:16]
    scene.wait(lambda: scene.pyl.subscribed, "a subscription")
    assert scene.pyl.subscribed == [topic], scene.pyl.subscribed


def its_feed_comes_over_a_standing_fetch(scene) -> None:
    scene.out.enlace("put", "body", "key=de-out", "name=es:Desde OUT", "example=true")
    scene.in_step(scene.pyl, daemon=scene.out)
    session = _session(scene)
    assert any(following.standing for following in session.following.values())
    last = session.last_fetch
    scene.out.enlace("put", "body", "key=de-out-2", "name=es:Otra vez", "example=true")
    scene.in_step(scene.pyl, daemon=scene.out)
    assert session.last_fetch == last


def what_is_published_fits_at_once(scene) -> None:
    scene.pyl.node.put(record("primero"))
    scene.in_step(scene.pyl, daemon=scene.out)
    fetches = scene.pyl.node.heard["fetch"]
    scene.pyl.node.put(record("segundo"))
    scene.in_step(scene.pyl, daemon=scene.out)
    assert scene.pyl.node.heard["fetch"] == fetches
    assert scene.listed(scene.out, "segundo")["node"] == "PYL"


def a_publication_that_was_lost_is_fetched(scene) -> None:
    fetches = scene.pyl.node.heard["fetch"]
    scene.pyl.node.put(record("perdido"))
    scene.pyl.node.published.clear()
    scene.pyl.node.put(record("tercero"))
    scene.in_step(scene.pyl, daemon=scene.out)
    assert scene.pyl.node.heard["fetch"] > fetches
    assert scene.listed(scene.out, "perdido")


def two_daemons_are_in_step_through_the_peer(scene) -> None:
    """CRM and OUT know of each other by what PYL passes on, and of nothing else."""
    scene.meet_hub(scene.pyl, subscribe=True)
    scene.in_step(scene.pyl, scene.pyd)
    scene.in_step(scene.pyl, daemon=scene.out)
    scene.hub.enlace("put", "body", "key=de-crm", "name=es:Desde CRM", "example=true")
    scene.out.enlace("put", "body", "key=de-out-3", "name=es:Desde OUT", "example=true")
    scene.wait(lambda: scene.listed(scene.out, "de-crm") and scene.listed(scene.hub, "de-out-3"), "both ways")
    scene.wait(lambda: scene.hub.enlace("digest") == scene.out.enlace("digest"), "equal digests")
    scene.in_step(scene.pyl, scene.pyd)


def beacons_are_passed_on(scene) -> None:
    crm = next(m.origin for m in scene.pyl.node.membership.roster.body.members if m.code == "CRM")
    scene.wait(lambda: crm in scene.pyl.node.beacons, "CRM's beacon")

    def told() -> bool:
        return any(peer["code"] == "CRM" and "beacon_age_ms" in peer for peer in scene.out.status()["peers"])

    scene.wait(told, "CRM's beacon at OUT")


def payloads_are_asked_for_on_either_side(scene) -> None:
    """Of a daemon that dialled, too."""
    node, session = scene.pyl.node, _session(scene)
    feed = node.feeds[FeedId(session.peer, 1, 1)]
    commit = feed.commits[0]
    lost, commit.payloads[0] = commit.payloads[0], type(commit.payloads[0])(state=3)
    ask = link_pb2.FetchPayload(fetch=9_000, feed=feed.id.message(), number=1)
    scene.pyl.say(session.link, fetch_payload=ask)
    scene.wait(lambda: commit.payloads[0] == lost, "the payload")


def a_restored_daemon_gets_its_own_back(scene) -> None:
    """Its database is put back to what it was two changes ago. It does not write until
    it has heard how far it had come, and has fetched it, of the one peer that it names."""
    out, files = scene.out, ("enlace.db", "enlace.db-wal", "enlace.db-shm")
    backup = scene.fleet.folder / "backup"
    backup.mkdir()
    assert out.stop() == 0
    for name in files:
        if (out.dir / name).exists():
            shutil.copy2(out.dir / name, backup)
    out.start()
    for key in ("uno", "dos"):
        out.enlace("put", "body", f"key=olvidado-{key}", "name=es:Olvidado", "example=true")
    scene.in_step(scene.pyl, daemon=out)
    assert out.stop() == 0
    for name in files:
        (out.dir / name).unlink(missing_ok=True)
        if (backup / name).exists():
            shutil.copy2(backup / name, out.dir)
    out.start()
    scene.wait(lambda: out.status()["node"]["writing"] == "ok", "OUT writes again")
    scene.in_step(scene.pyl, daemon=out)
    assert scene.listed(out, "olvidado-dos")
    out.enlace("put", "body", "key=recordado", "name=es:Recordado", "example=true")
    scene.in_step(scene.pyl, daemon=out)


# ---- hostile publications and greetings ----


def _next_commit(scene, **changes):
    """PYL's next commit as a run, signed, not appended; header fields can be changed."""
    node = scene.pyl.node
    other = Node(node.keys, scene.fleet.charter, lambda size: bytes(size))
    other.now_ms = node.now_ms
    feed = node.feeds[FeedId(node.origin, 1, 1)]
    other.feeds[feed.id] = type(feed)(feed.id, feed.start, list(feed.commits))
    commit = other.put(record("hostil")).message()
    if changes:
        header = type(other.feeds[feed.id].commits[-1].header).FromString(commit.header)
        for name, value in changes.items():
            setattr(header, name, value)
        commit.header = header.SerializeToString()
        text = crypto.commit_text(node.coalition, crypto.commit_hash(commit.header))
        commit.signature = crypto.sign(node.keys.signing, text)
    run = run_message([other.feeds[feed.id].commits[-1]])
    run.commits[0].CopyFrom(commit)
    return run


def _publish(scene, run) -> None:
    scene.pyl.publish_raw(link_pb2.Publication(run=run).SerializeToString())


def hostile_publications_are_counted(scene) -> None:
    """Each under its own reason; nothing of them is shown."""
    forged, unsigned, altered, two = (_next_commit(scene) for _ in range(4))
    forged.commits[0].signature = bytes(64)
    unsigned.commits[0].ClearField("signature")
    altered.commits[0].payloads[0].salt = bytes([1] * 16)
    two.commits.append(two.commits[0])
    before = scene.out.enlace("digest")
    for reason, run in (
        ("unsigned", unsigned),
        ("bad-commitment", altered),
        ("too-many", two),
        ("too-new", _next_commit(scene, header_version=2)),
        ("unknown-card", _next_commit(scene, card_number=9)),
        ("time-backwards", _next_commit(scene, time_ms=1)),
        ("bad-signature", forged),
    ):
        scene.wait_counted(scene.out, reason, lambda run=run: _publish(scene, run))
    scene.wait_counted(scene.out, "truncated", lambda: scene.pyl.publish_raw(b"\xff"))
    scene.wait_counted(scene.out, "unknown-message", lambda: scene.pyl.publish_raw(b""))
    scene.wait_counted(scene.out, "too-big", lambda: scene.pyl.publish_raw(bytes(16_385)))
    scene.wait_counted(scene.out, "bad-topic", lambda: scene.pyl.publish_raw(b"", scene.pyl.node.coalition[:17]))
    assert scene.out.enlace("digest") == before


def after_all_that_the_daemon_still_follows(scene) -> None:
    scene.pyl.node.put(record("siguiente"))
    scene.wait(lambda: scene.listed(scene.out, "siguiente"), "OUT follows PYL", 60)
    scene.in_step(scene.pyl, daemon=scene.out)


class Lying(Node):
    """Its Welcome echoes another nonce, as often as `lies` says."""

    lies = 1

    def on_hello(self, session, hello) -> None:
        if self.lies:
            self.lies -= 1
            hello.nonce = bytes(16)
        super().on_hello(session, hello)


def a_welcome_of_another_session_is_not_believed(scene) -> None:
    scene.pyl.node.__class__ = Lying
    session = _session(scene)
    scene.wait_counted(scene.out, "wrong-session", lambda: scene.pyl.node.close(session, "stopping"))
    scene.wait(lambda: not scene.pyl.node.lies, "the lie")
    _session(scene)
    scene.in_step(scene.pyl, daemon=scene.out)


TESTS = [
    a_daemon_dials_greets_and_subscribes,
    its_feed_comes_over_a_standing_fetch,
    what_is_published_fits_at_once,
    a_publication_that_was_lost_is_fetched,
    two_daemons_are_in_step_through_the_peer,
    beacons_are_passed_on,
    payloads_are_asked_for_on_either_side,
    a_restored_daemon_gets_its_own_back,
    hostile_publications_are_counted,
    after_all_that_the_daemon_still_follows,
    a_welcome_of_another_session_is_not_believed,
]
