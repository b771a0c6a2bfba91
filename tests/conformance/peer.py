"""An independent peer: a Node on sockets.

Written from docs/protocol.md. As a program it joins a running coalition, follows
everything for a while and prints what `enlace digest` prints:

    peer.py --keys FILE --charter FILE --dial CODE@tcp://HOST:PORT [--seconds N]

The keys' file holds root, signing, transport and sealing key as hex, a line each;
`peer.py --keys FILE --new CODE` makes one and prints the card for the charter.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Hashable, Optional

import zmq

import crypto
from link import Dialled, Listening
from membership import make_card
from node import Node
from session import Session


def wait_for(peers: list["Peer"], timeout_ms: int = 50) -> None:
    """Until something comes for any of them, or time passes."""
    poller = zmq.Poller()
    for socket in [socket for peer in peers for socket in peer.sockets()]:
        poller.register(socket, zmq.POLLIN)
    poller.poll(timeout_ms)


class Peer:
    def __init__(self, keys: crypto.Keys, charter_file: bytes, node_class: type = Node) -> None:
        self.node = node_class(keys, charter_file, os.urandom)
        self.context = zmq.Context()
        self.dialled: dict[Hashable, Dialled] = {}
        self.listening: Optional[Listening] = None
        self.subscribed: list[bytes] = []
        self._made = 0
        self._tell_time()

    def dial(self, code: str, endpoint: str, subscribe: bool = True) -> Hashable:
        """A new session with a member; returns the link's name."""
        member = next(m for m in self.node.membership.roster.body.members if m.code == code)
        key = self.node.membership.newest(member.origin).body.transport_key
        topic = self.node.coalition[:16] if subscribe else None
        self._made += 1
        link = f"{code} {self._made}"
        self.dialled[link] = Dialled(self.context, self.node.keys, endpoint, key, topic)
        self._tell_time()
        self.node.dial(link, key)
        self._flush()
        return link

    def listen(self, endpoint: str) -> None:
        self.listening = Listening(self.context, self.node.keys, endpoint)
        self.node.listening = True

    def session(self, link: Hashable) -> Session:
        return self.node.sessions[link]

    def say(self, link: Hashable, **body) -> None:
        """A message of this session, whatever the node itself would say."""
        self.node.say(self.session(link), **body)
        self._flush()

    def hang_up(self, link: Hashable) -> None:
        """Ends a dialled link without a word."""
        self.node.sessions.pop(link, None)
        self.dialled.pop(link).close()

    def send_raw(self, link: Hashable, data: bytes) -> None:
        """Anything at all, for hostile tries."""
        if link in self.dialled:
            self.dialled[link].send(data)
        else:
            self.listening.send(link, data)

    def publish_raw(self, data: bytes, topic: Optional[bytes] = None) -> None:
        self.listening.publish(self.node.coalition[:16] if topic is None else topic, data)

    def sockets(self) -> list[zmq.Socket]:
        dialled = [socket for link in self.dialled.values() for socket in link.sockets]
        return dialled + (self.listening.sockets if self.listening else [])

    def step(self) -> None:
        """Takes what has come, sends what that brings about."""
        self._tell_time()
        for name, link in list(self.dialled.items()):
            self._take_dialled(name, link)
        if self.listening:
            self._take_listening(self.listening)
        self.node.tick()
        self._flush()

    def _tell_time(self) -> None:
        self.node.now_ms = time.time_ns() // 1_000_000

    def _take_dialled(self, name: Hashable, link: Dialled) -> None:
        # Publications last: the greeting on the link may have come with them.
        for data in link.messages():
            if name not in self.node.sessions:
                return
            self.node.receive(name, data)
            self._flush()
        for topic, data in link.publications():
            self.node.take_publication(name, topic, data)
        if link.lost and name in self.node.sessions:
            self.node.close(self.node.sessions[name], "disconnected", bye=False)

    def _take_listening(self, listening: Listening) -> None:
        membership = self.node.membership
        cards = [membership.newest(member.origin) for member in membership.roster.body.members]
        listening.admitted = {card.body.transport_key for card in cards if card}
        listening.admit()
        for routing_id, data, key in listening.messages():
            if routing_id not in self.node.sessions:
                self.node.accept(routing_id, key)
            self.node.receive(routing_id, data)
        self.subscribed += listening.subscriptions()

    def _flush(self) -> None:
        node = self.node
        for link, data in node.outbox:
            if link in self.dialled or self.listening:
                self.send_raw(link, data)
        for data in node.published if self.listening else []:
            self.publish_raw(data)
        node.outbox.clear()
        node.published.clear()
        for link, _ in node.closing:
            if link in self.dialled:
                self.dialled.pop(link).close()
        node.closing.clear()

    def close(self) -> None:
        for session in list(self.node.sessions.values()):
            self.node.close(session, "stopping")
        self._flush()
        for link in self.dialled.values():
            link.close()
        if self.listening:
            self.listening.close()
        self.context.term()


# ---- as a program ----


def _read_keys(path: Path) -> crypto.Keys:
    return crypto.Keys(*(bytes.fromhex(line) for line in path.read_text().split()))


def _new_keys(path: Path, code: str) -> None:
    keys = crypto.Keys(*(os.urandom(32) for _ in range(4)))
    path.touch(mode=0o600)
    path.write_text("".join(f"{key.hex()}\n" for key in (keys.root, keys.signing, keys.transport, keys.sealing)))
    print(crypto.armour("card", make_card(keys, code).signed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=Path, required=True)
    parser.add_argument("--new", metavar="CODE")
    parser.add_argument("--charter", type=Path)
    parser.add_argument("--dial", metavar="CODE@ENDPOINT")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if options.new:
        _new_keys(options.keys, options.new)
        return
    peer = Peer(_read_keys(options.keys), crypto.unarmour("charter", options.charter.read_text()))
    peer.dial(*options.dial.split("@", 1))
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        wait_for([peer])
        peer.step()
    print("\n".join(peer.node.digest_lines()))
    peer.close()


if __name__ == "__main__":
    main()
