"""Transcripts: what one node is given, and what it has to say and to count.

A case of vectors/links.json and vectors/applying.json is a list of steps, each
with "do". Into the node under test, which is the member "self" of the file:

    up          a link is there: `dialled` by the node, or accepted; `key` is the
                peer's transport key, `nonce` the one that the node draws for it
    get         a link message comes
    publication one comes on a link that the node has dialled
    hold        a run of one signed commit has been taken before: no link brings it
    wait        time passes

and what is expected of it, in this order:

    say         a link message, byte for byte, apart from the fields named in
                `apart`. Its own beacons, pings, and acks that carry credit alone may
                stand between.
    publish     a publication, likewise
    close       it ends the link
    count       how often it has counted a reason since the last such step
    view        its heads, as a list, and its view digest
"""

from typing import Optional

from enlace.v1 import link_pb2

import crypto
import wire
from feed import read_run
from node import Node
from view import digest


class Differs(Exception):
    pass


# ---- playing a case to the independent node ----


class Player:
    """Takes steps; what the node does in return is in `did`, as steps."""

    def __init__(self, charter: bytes, keys: crypto.Keys, listening: bool, clock_ms: int) -> None:
        self.nonces: list[bytes] = []
        self.node = Node(keys, charter, lambda size: self.nonces.pop())
        self.node.listening = listening
        self.node.now_ms = clock_ms
        self.counted: dict[str, int] = {}
        self.did: list[dict] = []

    def take(self, step: dict) -> None:
        getattr(self, f"_{step['do']}")(step)
        self._collect()

    def _up(self, step: dict) -> None:
        self.nonces.append(bytes.fromhex(step["nonce"]))
        start = self.node.dial if step["dialled"] else self.node.accept
        start(step["link"], bytes.fromhex(step["key"]))

    def _get(self, step: dict) -> None:
        if step["link"] in self.node.sessions:
            self.node.receive(step["link"], bytes.fromhex(step["message"]))

    def _publication(self, step: dict) -> None:
        self.node.take_publication(step["link"], bytes.fromhex(step["topic"]), bytes.fromhex(step["body"]))

    def _hold(self, step: dict) -> None:
        self.node.apply(read_run(bytes.fromhex(step["run"]))[1])
        self.node.published.clear()

    def _wait(self, step: dict) -> None:
        self.node.now_ms += step["ms"]
        self.node.tick()

    def _collect(self) -> None:
        node = self.node
        for link, data in node.outbox:
            message = link_pb2.LinkMessage.FromString(data)
            if not self._may_stand_between(message):
                self.did.append({"do": "say", "link": link, "kind": message.WhichOneof("body"), "message": data.hex()})
        for data in node.published:
            publication = link_pb2.Publication.FromString(data)
            if not self._own_beacons(publication.beacons):
                self.did.append({"do": "publish", "body": data.hex()})
        self.did += [{"do": "close", "link": link} for link, _ in node.closing]
        node.outbox.clear()
        node.published.clear()
        node.closing.clear()

    def _own_beacons(self, beacons: link_pb2.Beacons) -> bool:
        signed = [link_pb2.Beacon.FromString(beacon.body) for beacon in beacons.beacons]
        return any(word.origin == self.node.origin for word in (*signed, *beacons.pulses))

    def _may_stand_between(self, message: link_pb2.LinkMessage) -> bool:
        kind = message.WhichOneof("body")
        credit_alone = kind == "ack" and not message.ack.heads
        return kind == "ping" or credit_alone or self._own_beacons(message.beacons)

    def counts(self) -> dict[str, int]:
        """Reasons counted since the last time."""
        now = dict(self.node.counters)
        new = {reason: count - self.counted.get(reason, 0) for reason, count in now.items()}
        self.counted = now
        return {reason: count for reason, count in sorted(new.items()) if count}

    def view(self) -> dict:
        heads = [
            {"origin": h.feed.origin.hex(), "epoch": h.feed.epoch, "lane": h.feed.lane, "number": h.number, "hash": h.hash.hex()}
            for h in self.node.heads()
        ]
        return {"do": "view", "heads": heads, "digest": digest(self.node.records()).hex()}


GIVEN = ("up", "get", "publication", "hold", "wait")


def clear(data: str, apart: list[str]) -> bytes:
    """A link message without the fields that need not agree."""
    message = link_pb2.LinkMessage.FromString(bytes.fromhex(data))
    body = getattr(message, message.WhichOneof("body"))
    for field in apart:
        body.ClearField(field)
    return message.SerializeToString()


def play(case: dict, file: dict) -> None:
    """Raises Differs where the node does not do what the case expects."""
    keys = crypto.Keys(*(bytes.fromhex(file["self"][use]) for use in ("root", "signing", "transport", "sealing")))
    charter = bytes.fromhex(file["charter"])
    player = Player(charter, keys, case["listening"], file["clock_ms"])
    for place, step in enumerate(case["steps"]):
        if step["do"] in GIVEN:
            if player.did:
                raise Differs(f"before step {place}: unexpected {player.did[0]}")
            player.take(step)
        else:
            _compare(player, step, f"step {place}")
    if player.did:
        raise Differs(f"at the end: unexpected {player.did[0]}")


def _compare(player: Player, step: dict, where: str) -> None:
    if step["do"] == "count":
        if player.counts() != step["reasons"]:
            raise Differs(f"{where}: counted {player.node.counters}, expected {step['reasons']}")
    elif step["do"] == "view":
        if player.view() != step:
            raise Differs(f"{where}: {player.view()}, expected {step}")
    else:
        did = player.did.pop(0) if player.did else {"do": "nothing"}
        apart = step.get("apart", [])
        if apart and did["do"] == "say" and clear(did["message"], apart) == clear(step["message"], apart):
            return
        if did != {key: value for key, value in step.items() if key != "apart"}:
            raise Differs(f"{where}: {did}, expected {step}")


# ---- writing a case ----


class Recorder:
    """Writes a case by playing the peers' side by hand. What the node says is
    written down as it comes; what it counts is given by hand, and has to be so."""

    APART = {"ack": ["credit_limit"], "fetch": ["credit_limit"]}

    def __init__(self, name: str, coalition, listening: bool = True) -> None:
        self.f, self.name, self.listening = coalition, name, listening
        self.player = Player(coalition.CHARTER, coalition.KEYS["CRM"], listening, coalition.T0 + 100_000)
        self.steps: list[dict] = []
        self.ids: dict[str, bytes] = {}
        self.nonces: dict[str, bytes] = {}

    def case(self) -> dict:
        return {"name": self.name, "listening": self.listening, "steps": self.steps}

    def _give(self, **step) -> list[link_pb2.LinkMessage]:
        """What the node says to it, decoded."""
        self.steps.append(step)
        self.player.take(step)
        said = []
        for did in self.player.did:
            if did["do"] == "say":
                if did["kind"] in self.APART:
                    did["apart"] = self.APART[did["kind"]]
                said.append(link_pb2.LinkMessage.FromString(bytes.fromhex(did["message"])))
            self.steps.append(did)
        self.player.did = []
        return said

    def up(self, code: str, dialled: bool = False, link: Optional[str] = None, key: Optional[bytes] = None):
        link = link or code
        nonce = crypto.blake2b(f"{self.name} {link} node".encode(), "vectors")[:16]
        self.nonces[link] = nonce
        key = key or self.f.CARDS[code].body.transport_key
        return self._give(do="up", link=link, dialled=dialled, key=key.hex(), nonce=nonce.hex())

    def raw(self, link: str, data: bytes, kind: str = ""):
        return self._give(do="get", link=link, **({"kind": kind} if kind else {}), message=data.hex())

    def get(self, link: str, session: Optional[bytes] = None, **body):
        kind = next(iter(body))
        known = b"" if kind == "hello" else self.ids.get(link, bytes(16))
        return self.raw(link, wire.link_message(known if session is None else session, **body), kind)

    def greeting(self, code: str, link: Optional[str] = None, **fields) -> dict:
        """What a peer says in Hello or Welcome, with other fields where given."""
        f = self.f
        cards = sorted(self.player.node.membership.cards.items())
        usual = {
            "coalition": f.COALITION_ID,
            "nonce": crypto.blake2b(f"{self.name} {link or code} peer".encode(), "vectors")[:16],
            "roster_version": 1,
            "roster_hash": f.COALITION_ID,
            "cards": [link_pb2.CardNumber(origin=origin, number=len(held)) for origin, held in cards],
            "origin": f.ORIGINS[code],
        }
        return {**usual, **fields}

    def hello(self, code: str, link: Optional[str] = None, protocol=(1, 1), **fields):
        link = link or code
        given = self.greeting(code, link, **fields)
        self.ids[link] = crypto.session_id(given["nonce"], self.nonces[link])
        return self.get(link, hello=link_pb2.Hello(protocol_min=protocol[0], protocol_max=protocol[1], **given))

    def welcome(self, code: str, **fields):
        given = self.greeting(code, **fields)
        self.ids[code] = crypto.session_id(self.nonces[code], given["nonce"])
        hello_nonce = fields.pop("hello_nonce", self.nonces[code])
        given.pop("hello_nonce", None)
        protocol = given.pop("protocol", 1)
        return self.get(code, welcome=link_pb2.Welcome(protocol=protocol, hello_nonce=hello_nonce, **given))

    def meet(self, code: str, link: Optional[str] = None) -> None:
        """A link that the peer dials, greeted, with no heads told."""
        self.up(code, link=link)
        self.hello(code, link)
        self.get(link or code, heads=link_pb2.Heads())

    def publication(self, link: str, topic: Optional[bytes] = None, data: Optional[bytes] = None, **body):
        data = link_pb2.Publication(**body).SerializeToString() if data is None else data
        topic = self.f.COALITION_ID[:16] if topic is None else topic
        return self._give(do="publication", link=link, topic=topic.hex(), body=data.hex())

    def hold(self, *commits) -> None:
        for commit in commits:
            self._give(do="hold", run=self.f.run_bytes(commit).hex())

    def wait(self, ms: int):
        return self._give(do="wait", ms=ms)

    def counts(self, /, **reasons: int) -> None:
        """Reasons with _ for -; nothing else may have been counted."""
        expected = {reason.replace("_", "-"): count for reason, count in sorted(reasons.items())}
        counted = self.player.counts()
        if counted != expected:
            raise Differs(f"{self.name}: counted {counted}, by hand {expected}")
        self.steps.append({"do": "count", "reasons": expected})

    def view(self, *heads) -> None:
        """Its heads are given by hand, as (feed, number), and have to be so."""
        view = self.player.view()
        seen = [(h["origin"], h["epoch"], h["lane"], h["number"]) for h in view["heads"]]
        expected = sorted((feed.origin.hex(), feed.epoch, feed.lane, number) for feed, number in heads)
        if seen != expected:
            raise Differs(f"{self.name}: holds {seen}, by hand {expected}")
        self.steps.append(view)
