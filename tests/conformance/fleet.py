"""Real daemons and independent peers of one coalition, on loopback.

Daemons are made and asked as a person would do it: with `enlace`. Each is waited
for by its READY=1; a state is waited for by asking, while the peers go on.
"""

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Optional

import crypto
from membership import Card, make_card
from node import Node
from peer import Peer, wait_for

BUILD = Path(os.environ.get("ENLACE_BIN_DIR", "build")).resolve()
READY_S = 20.0


def free_endpoint() -> str:
    """Two ports in a row that nobody has, below those that connections are given."""
    for port in range(20_000 + os.getpid() * 37 % 10_000 // 2 * 2, 32_766, 2):
        if port not in _given and all(_free(port + place) for place in (0, 1)):
            _given.add(port)
            return f"tcp://127.0.0.1:{port}"
    raise RuntimeError("no free port")


_given: set[int] = set()


def _free(port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


class Daemon:
    def __init__(self, folder: Path, code: str, endpoint: str = "", connect: str = "") -> None:
        self.code, self.endpoint = code, endpoint
        self.dir = folder / code
        self.log = folder / f"{code}.log"
        self.process: Optional[subprocess.Popen] = None
        options = ["--listen", endpoint] if endpoint else []
        options += ["--connect", connect] if connect else []
        self.enlace("init", "--node", code, "--name", f"Nodo {code}", *options)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        for name in ("LANGUAGE", "ENLACE_DIR"):
            environment.pop(name, None)
        command = [str(BUILD / "enlace"), arguments[0], "--dir", str(self.dir), *arguments[1:]]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    def enlace(self, *arguments: str) -> str:
        done = self.run(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"enlace {' '.join(arguments)} at {self.code}: {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def status(self) -> dict:
        return json.loads(self.enlace("status", "--json"))

    def counts(self) -> dict[str, int]:
        """How often the daemon has refused something, by reason."""
        return {counter["reason"]: counter["count"] for counter in self.status()["counters"]}

    def count(self, reason: str) -> int:
        return self.counts().get(reason, 0)

    def start(self) -> None:
        path = self.dir.parent / f"{self.code}.notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, self.log.open("ab") as log:
            path.unlink(missing_ok=True)
            told.bind(str(path))
            told.settimeout(READY_S)
            environment = {**os.environ, "NOTIFY_SOCKET": str(path)}
            self.process = subprocess.Popen(
                [str(BUILD / "enlaced"), "--dir", str(self.dir)],
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
            try:
                while b"READY=1" not in told.recv(4096):
                    pass
            except TimeoutError:
                raise RuntimeError(f"{self.code} did not start:\n{self.log.read_text()}") from None

    def stop(self) -> int:
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.terminate()
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


class Fleet:
    """Daemons by code, and the keys of members that are peers in this process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="enlace-conformance-"))
        self.daemons: dict[str, Daemon] = {}
        self.keys: dict[str, crypto.Keys] = {}
        self.cards: dict[str, Card] = {}
        self.peers: list[Peer] = []
        self.charter = b""
        self.words = ""

    def add_daemon(self, code: str, endpoint: str = "", connect: str = "") -> Daemon:
        self.daemons[code] = Daemon(self.folder, code, endpoint, connect)
        return self.daemons[code]

    def add_member(self, code: str, **fields) -> None:
        """A member whose node will be a peer in this process."""
        self.keys[code] = crypto.Keys(*(os.urandom(32) for _ in range(4)))
        self.cards[code] = make_card(self.keys[code], code, **fields)

    def found(self, threshold: int) -> None:
        """The first daemon creates the charter from everybody's cards; all daemons accept it."""
        files = []
        for code, daemon in self.daemons.items():
            files.append(self._file(f"{code}.card", daemon.enlace("card")))
        for code, card in self.cards.items():
            files.append(self._file(f"{code}.card", crypto.armour("card", card.signed) + "\n"))
        founder = next(iter(self.daemons.values()))
        done = founder.run("charter", "create", "--name", "Coalición", "--threshold", str(threshold), *files)
        if done.returncode != 0:
            raise RuntimeError(f"charter create: {done.stderr}")
        line = next(one for one in done.stdout.splitlines() if one.startswith("enlace-charter-1:"))
        self.charter = crypto.unarmour("charter", line)
        self.words = " ".join(re.findall(r"(?:\b[a-z]{4}\b ?){8}", done.stderr)[0].split())
        path = self._file("charter", done.stdout)
        for daemon in self.daemons.values():
            daemon.enlace("charter", "accept", path, "--fingerprint", self.words)

    def _file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def peer(self, code: str, node_class: type = Node) -> Peer:
        peer = Peer(self.keys[code], self.charter, node_class)
        self.peers.append(peer)
        return peer

    def start(self) -> None:
        for daemon in self.daemons.values():
            daemon.start()

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Asks until the condition holds, while all peers go on."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {seconds:g} s")
            wait_for(self.peers)
            for peer in self.peers:
                peer.step()

    def close(self) -> list[str]:
        """Ends everything; the codes of daemons that did not end well."""
        for peer in self.peers:
            peer.close()
        ended = [(code, daemon.stop()) for code, daemon in self.daemons.items()]
        shutil.rmtree(self.folder)
        return [f"{code}: {status}" for code, status in ended if status != 0]
