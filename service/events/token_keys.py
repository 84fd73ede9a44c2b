"""The keys that identity tokens are signed with, as settings give them: each good for one algorithm alone."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SECRET_BYTES = 32
"""The least that a shared secret may have: what HS256 itself mixes in."""

_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""How a PEM file's public key of Ed25519 begins (RFC 8410); the 32 bytes of the key itself follow."""


class Algorithm(StrEnum):
    """What a token may be signed by."""

    HS256 = "HS256"
    EDDSA = "EdDSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A shared secret, or the 32 bytes of an Ed25519 public key."""

    algorithm: Algorithm
    material: bytes = field(repr=False)


def read_token_key(value: object) -> TokenKey:
    """Read a key as a file of settings gives it; ValueError for any other."""
    if not isinstance(value, Mapping):
        raise ValueError  # noqa: TRY004 - readers have one way to refuse
    match dict(value):
        case {"algorithm": Algorithm.HS256, "secret": str(secret), **rest} if not rest:
            material = secret.encode()
            if len(material) < SECRET_BYTES:
                raise ValueError
            return TokenKey(algorithm=Algorithm.HS256, material=material)
        case {"algorithm": Algorithm.EDDSA, "public_key": str(text), **rest} if not rest:
            return TokenKey(algorithm=Algorithm.EDDSA, material=_public_key(text))
    raise ValueError


def _public_key(text: str) -> bytes:
    """Read a PEM block, or 32 bytes in base64 or base64url."""
    lines = [line.strip() for line in text.strip().splitlines()] or [""]
    pem = lines[0] == "-----BEGIN PUBLIC KEY-----" and lines[-1] == "-----END PUBLIC KEY-----"
    encoded = "".join(lines[1:-1] if pem else lines).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        read = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError from error
    if pem and read.startswith(_ED25519):
        read = read.removeprefix(_ED25519)
    if len(read) != 32:
        raise ValueError
    return read
