#!/usr/bin/python3
"""The independent peer against real daemons: TAP, a test a function.

    live.py [BEGINNING...]      all tests, or those whose names begin so

CRM is a daemon that listens, OUT one that dials PYL, which is a peer in this
process; so are all other members, each with keys of its own. What a daemon makes
of them is read from `enlace status --json`, `list`, `show`, `digest`, `verify`.
"""

import json
import sys
import traceback
from typing import Callable, Hashable, Optional

import live_dialling
import live_hostile
import live_listening
from fleet import Fleet, free_endpoint
from node import Node
from peer import Peer
from session import OPEN

NEWCOMERS = 80
IMPORTED = 300


class Scene:
    """The coalition on which all tests play, one after the other."""

    def __init__(self) -> None:
        self.fleet = Fleet()
        self.hub_endpoint, self.peer_endpoint = free_endpoint(), free_endpoint()
        self.hub = self.fleet.add_daemon("CRM", self.hub_endpoint)
        self.out = self.fleet.add_daemon("OUT", connect=f"PYL@{self.peer_endpoint}")
        self.mended: list[str] = []  # members whose altered runs were refused
        self.unused = [f"M{place:02}" for place in range(NEWCOMERS, 0, -1)]
        for code in ("PYD", "PYL", *self.unused):
            self.fleet.add_member(code)
        self.fleet.found(threshold=2)
        self.pyd = self.fleet.peer("PYD", live_dialling.Plain)
        self.pyd_link: Hashable = None
        self.pyl = self.fleet.peer("PYL")
        self.pyl.listen(self.peer_endpoint)
        self.fleet.start()
        self._import()

    def _import(self) -> None:
        """More than one run's worth of commits, before anybody follows."""
        path = self.fleet.folder / "import.jsonl"
        lines = [
            {"node": "CRM", "kind": "body", "key": f"registro{place}", "name": {"es": "Ejemplo " * 20}, "example": True}
            for place in range(IMPORTED)
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.hub.enlace("import", str(path))

    def newcomer(self, node_class: type = Node) -> tuple[str, Peer]:
        """A member that nobody has met yet, not connected."""
        code = self.unused.pop()
        return code, self.fleet.peer(code, node_class)

    def meet_hub(self, peer: Peer, subscribe: bool = False) -> Hashable:
        link = peer.dial("CRM", self.hub_endpoint, subscribe)
        self.wait(lambda: link in peer.node.sessions and peer.session(link).state == OPEN, "a session with CRM")
        return link

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        self.fleet.wait(condition, what, seconds)

    def wait_counted(self, daemon, reason: str, act: Callable[[], None], seconds: float = 60) -> None:
        """What `act` does makes the daemon count this reason."""
        before = daemon.counts()
        act()
        try:
            self.wait(lambda: daemon.count(reason) > before.get(reason, 0), f"{daemon.code} counts {reason}", seconds)
        except TimeoutError as late:
            new = {name: count for name, count in daemon.counts().items() if count != before.get(name)}
            raise TimeoutError(f"{late}; counted instead: {new}") from None

    def in_step(self, *peers: Peer, daemon=None) -> None:
        """Peers and a daemon have the same heads and the same view digest."""
        daemon = daemon or self.hub
        self.wait(lambda: self._same(peers, daemon.enlace("digest").splitlines()), f"in step with {daemon.code}")

    @staticmethod
    def _same(peers, lines: list[str]) -> bool:
        return all(peer.node.digest_lines() == lines for peer in peers)

    def holds(self, daemon, code: str, lane: int = 1) -> int:
        """The number up to which a daemon holds a member's feed."""
        feeds = daemon.status()["feeds"]
        return max((f["number"] for f in feeds if f["node"] == code and f["lane"] == lane), default=0)

    def shown(self, daemon, id_: str) -> dict:
        return json.loads(daemon.enlace("show", id_, "--json").splitlines()[0])

    def listed(self, daemon, key: str) -> Optional[dict]:
        """The record with this key, as the daemon lists it."""
        rows = [json.loads(line) for line in daemon.enlace("list", "body", "--json").splitlines()]
        return next((row for row in rows if row.get("key") == key), None)


def run(test: Callable[[Scene], None], scene: Scene, place: int) -> bool:
    name = test.__name__.replace("_", " ")
    try:
        test(scene)
    except (AssertionError, TimeoutError, RuntimeError, KeyError, IndexError, StopIteration) as wrong:
        print(f"not ok {place} - {name}", flush=True)
        print("# " + "# ".join(traceback.format_exception(wrong)).replace("\n", "\n# "), flush=True)
        return False
    print(f"ok {place} - {name}", flush=True)
    return True


def verify(scene: Scene) -> None:
    for daemon in scene.fleet.daemons.values():
        daemon.enlace("verify")


def end_well(scene: Scene) -> None:
    ended = scene.fleet.close()
    assert not ended, ended


def main() -> int:
    tests = [*live_dialling.TESTS, *live_listening.TESTS, *live_hostile.TESTS, *live_dialling.LAST, verify, end_well]
    if sys.argv[1:]:  # the first, and those whose names begin so
        tests = [test for test in tests if test.__name__.startswith(("joins", "end_well", *sys.argv[1:]))]
    print(f"1..{len(tests)}", flush=True)
    scene = Scene()
    passed = [run(test, scene, place) for place, test in enumerate(tests, 1)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
