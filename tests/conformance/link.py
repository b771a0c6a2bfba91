"""Sockets: docs/protocol.md, section 5. Carries bytes to and from a Node."""

from typing import Iterator, Optional

import zmq
from zmq.utils import z85

from crypto import Keys, x25519_public

MESSAGE_MOST = 256 * 1024


def next_port(endpoint: str) -> str:
    host, port = endpoint.rsplit(":", 1)
    return f"{host}:{int(port) + 1}"


def _socket(context: zmq.Context, kind: int, keys: Keys) -> zmq.Socket:
    socket = context.socket(kind)
    socket.linger = 500
    socket.maxmsgsize = MESSAGE_MOST
    socket.curve_secretkey = z85.encode(keys.transport)
    socket.curve_publickey = z85.encode(x25519_public(keys.transport))
    return socket


class Dialled:
    """DEALER and SUB towards one listening node. Made anew for each session. Without a
    topic nothing is subscribed to: such a connection would be cut as a silent one."""

    def __init__(self, context: zmq.Context, keys: Keys, endpoint: str, server_key: bytes, topic: Optional[bytes]) -> None:
        self.server_key = server_key
        self.dealer = _socket(context, zmq.DEALER, keys)
        self.sub = _socket(context, zmq.SUB, keys)
        for socket in (self.dealer, self.sub):
            socket.curve_serverkey = z85.encode(server_key)
        self.monitor = self.dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.dealer.connect(endpoint)
        if topic is not None:
            self.sub.subscribe(topic)
            self.sub.connect(next_port(endpoint))

    @property
    def sockets(self) -> list[zmq.Socket]:
        return [self.dealer, self.sub, self.monitor]

    def send(self, data: bytes) -> None:
        self.dealer.send(data, zmq.DONTWAIT)

    @property
    def lost(self) -> bool:
        """The connection has gone. The socket would make another, which is not this session."""
        return not self.dealer.closed and self.monitor.poll(0) != 0

    def messages(self) -> Iterator[bytes]:
        while not self.dealer.closed and self.dealer.poll(0):
            yield self.dealer.recv()

    def publications(self) -> Iterator[tuple[bytes, bytes]]:
        while not self.sub.closed and self.sub.poll(0):
            frames = self.sub.recv_multipart()
            yield frames[0], frames[-1]

    def close(self) -> None:
        self.dealer.disable_monitor()
        for socket in self.sockets:
            socket.close()


class Listening:
    """ROUTER, XPUB and the ZAP handler that says who may connect."""

    DOMAIN = b"enlace"

    def __init__(self, context: zmq.Context, keys: Keys, endpoint: str) -> None:
        self.admitted: set[bytes] = set()  # transport keys
        self.zap = context.socket(zmq.REP)
        self.zap.bind("inproc://zeromq.zap.01")
        self.router = _socket(context, zmq.ROUTER, keys)
        self.xpub = _socket(context, zmq.XPUB, keys)
        for socket, address in ((self.router, endpoint), (self.xpub, next_port(endpoint))):
            socket.curve_server = True
            socket.zap_domain = self.DOMAIN
            socket.bind(address)

    @property
    def sockets(self) -> list[zmq.Socket]:
        return [self.zap, self.router, self.xpub]

    def admit(self) -> None:
        """Answers handshakes. The user id of a connection is its key, in hex."""
        while not self.zap.closed and self.zap.poll(0):
            version, request, _, _, _, mechanism, *credentials = self.zap.recv_multipart()
            known = mechanism == b"CURVE" and credentials and credentials[0] in self.admitted
            user = credentials[0].hex().encode() if known else b""
            status, text = (b"200", b"OK") if known else (b"400", b"no")
            self.zap.send_multipart([version, request, status, text, user, b""])

    def send(self, routing_id: bytes, data: bytes) -> None:
        self.router.send_multipart([routing_id, data], zmq.DONTWAIT)

    def publish(self, topic: bytes, data: bytes) -> None:
        self.xpub.send_multipart([topic, data], zmq.DONTWAIT)

    def messages(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Routing id, data, key: the key stands with the body's frame."""
        while not self.router.closed and self.router.poll(0):
            routing_id, body = self.router.recv_multipart(copy=False)[:2]
            yield routing_id.bytes, body.bytes, bytes.fromhex(body.get("User-Id"))

    def subscriptions(self) -> list[bytes]:
        taken = []
        while not self.xpub.closed and self.xpub.poll(0):
            taken.append(self.xpub.recv())
        return taken

    def close(self) -> None:
        for socket in self.sockets:
            socket.close()
