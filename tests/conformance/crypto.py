"""Hashes, signatures and keys: docs/protocol.md, head of the document and sections 1, 3, 4, 6, 8.

BLAKE2b is the standard library's, Ed25519 and Curve25519 are libsodium's by PyNaCl.
"""

import base64
import hashlib
from dataclasses import dataclass

from nacl.bindings import crypto_scalarmult_base
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from document import refuse_unless


def blake2b(data: bytes, person: str, size: int = 32, key: bytes = b"") -> bytes:
    name = person.encode("ascii").ljust(16, b"\0")
    return hashlib.blake2b(data, digest_size=size, person=name, key=key).digest()


def origin_of(root_key: bytes) -> bytes:
    return hashlib.blake2b(root_key, digest_size=16).digest()


def commitment(salt: bytes, body: bytes) -> bytes:
    return blake2b(body, "enlace-payload", key=salt)


def commit_hash(header: bytes) -> bytes:
    return blake2b(header, "enlace-commit")


def card_hash(body: bytes) -> bytes:
    return blake2b(body, "enlace-card")


def roster_hash(body: bytes) -> bytes:
    return blake2b(body, "enlace-roster")


def beacon_hash(body: bytes) -> bytes:
    return blake2b(body, "enlace-beacon")


def preimage_before(origin: bytes, sequence: int, step: int, preimage: bytes) -> bytes:
    """In the chain of a beacon's pulses; `step` is that of `preimage`."""
    return blake2b(origin + sequence.to_bytes(8, "little") + step.to_bytes(4, "little") + preimage, "enlace-pulse")[:16]


def session_id(hello_nonce: bytes, welcome_nonce: bytes) -> bytes:
    return blake2b(hello_nonce + welcome_nonce, "enlace-session")[:16]


# ---- what is signed ----


def commit_text(coalition: bytes, hash_: bytes) -> bytes:
    return b"enlace v1 commit\0" + coalition + hash_


def card_text(hash_: bytes) -> bytes:
    return b"enlace v1 card\0" + hash_


def charter_text(hash_: bytes) -> bytes:
    return b"enlace v1 charter\0" + hash_


def roster_text(coalition: bytes, hash_: bytes) -> bytes:
    return b"enlace v1 roster\0" + coalition + hash_


def beacon_text(coalition: bytes, hash_: bytes) -> bytes:
    return b"enlace v1 beacon\0" + coalition + hash_


def sign(seed: bytes, text: bytes) -> bytes:
    return SigningKey(seed).sign(text).signature


def holds(public_key: bytes, text: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(public_key).verify(text, signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def ed25519_public(seed: bytes) -> bytes:
    return bytes(SigningKey(seed).verify_key)


def x25519_public(secret: bytes) -> bytes:
    return crypto_scalarmult_base(secret)


# ---- for people ----


def eight_words(coalition: bytes) -> str:
    bits = int.from_bytes(blake2b(coalition, "enlace-words")[:12], "big")
    syllables = []
    for shift in range(90, -1, -6):
        consonant, vowel = divmod(bits >> shift & 63, 5)
        syllables.append("bdfgklmnrstyw"[consonant] + "aeiou"[vowel])
    return " ".join(first + second for first, second in zip(syllables[::2], syllables[1::2]))


def armour(kind: str, data: bytes) -> str:
    text = base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    return f"enlace-{kind}-1:{text}:{blake2b(data, 'enlace-derive')[:4].hex()}"


def unarmour(kind: str, line: str) -> bytes:
    parts = line.strip().split(":")
    refuse_unless(len(parts) == 3 and parts[0] == f"enlace-{kind}-1", "bad-armour")
    try:
        data = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    # Also what decodes to the same bytes is not the same line.
    refuse_unless(armour(kind, data) == ":".join(parts), "bad-armour")
    return data


# ---- a node's own keys ----


@dataclass(frozen=True)
class Keys:
    """Secret halves, 32 bytes each: Ed25519 seeds, Curve25519 scalars."""

    root: bytes
    signing: bytes
    transport: bytes
    sealing: bytes

    @staticmethod
    def derived(name: str) -> "Keys":
        """Fixed keys of test vectors: BLAKE2b of a name."""
        return Keys(*(blake2b(f"{name} {use}".encode(), "vectors") for use in ("root", "signing", "transport", "sealing")))

    @property
    def origin(self) -> bytes:
        return origin_of(ed25519_public(self.root))
