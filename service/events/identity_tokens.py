"""A signed identity token proves who is behind an event: one person, on one browser, once, for ten minutes at most.

A JSON Web Token (RFC 7519) that the shop's server signs for whoever is logged in. The algorithm is the key's, whatever
the token says of itself. One that proves nothing takes nothing away: its event counts as its key alone would let it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from identity.observations import Trust
from service.events.event_identifiers import identifier_text
from service.events.messages import PROVEN, Message, Rejection
from service.events.token_keys import Algorithm, TokenKey
from service.store.used_tokens import TokenUse

LIFE = timedelta(minutes=10)
EARLY = timedelta(seconds=30)
"""How far the clock of who signs may be ahead."""
TOKEN_LENGTH = 4_096
NAME_LENGTH = 255
"""The longest jti."""

_REQUIRED = ["aud", "sub", "anonymous_id", "iat", "exp", "jti"]
_SIGNABLE = ("email", "phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """An event that carried a token: as its key alone lets it be, and verified, or why not (`fault`)."""

    own: Message
    verified: Message | None = None
    use: TokenUse | None = None
    fault: Rejection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    """What a token says, its signature, audience and times being right."""

    subject: str = field(repr=False)
    anonymous_id: str = field(repr=False)
    signed: Mapping[str, str] = field(repr=False)
    use: TokenUse


class IdentityTokens:
    """Verifies tokens for one audience by several keys, each under its name (`kid`)."""

    def __init__(self, audience: str, keys: Mapping[str, TokenKey]) -> None:
        self._audience = audience
        self._algorithms = {name: key.algorithm.value for name, key in keys.items()}
        self._keys = {name: _usable(key) for name, key in keys.items()}

    def present(self, raw: Mapping[str, Any], own: Message, parse: Callable[..., Message | Rejection]) -> Presented:
        """Give what an event with a token is; `parse` reads another event in its place, at another trust."""
        found = self._claims(token_of(raw), own.received_at)
        if isinstance(found, Rejection):
            return Presented(own=own, fault=found)
        named = identifier_text(raw.get("userId"))
        if identifier_text(raw.get("anonymousId")) != found.anonymous_id or named not in (None, "", found.subject):
            return Presented(own=own, fault=_OF_ANOTHER)
        verified = parse(_proven(raw, own, found), trust=Trust.VERIFIED)
        if isinstance(verified, Rejection):
            return Presented(own=own, fault=verified)
        return Presented(own=own, verified=verified, use=found.use)

    def _claims(self, token: object, now: datetime) -> _Claims | Rejection:
        if not self._keys:
            return _UNWANTED
        if not isinstance(token, str) or len(token) > TOKEN_LENGTH:
            return _MALFORMED
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            if not isinstance(kid, str) or kid not in self._keys:
                return _KEY
            return _read(kid, self._signed(token, kid), now)
        except jwt.PyJWTError as error:
            return next((fault for kind, fault in _FAULTS if isinstance(error, kind)), _MALFORMED)
        except (ValueError, TypeError, RecursionError):
            return _MALFORMED

    def _signed(self, token: str, kid: str) -> Mapping[str, Any]:
        """Give what a token says; jwt.PyJWTError where it was not signed with that key for this audience."""
        claims: Mapping[str, Any] = jwt.decode(
            token,
            self._keys[kid],
            algorithms=[self._algorithms[kid]],
            audience=self._audience,
            # Times are held against the receipt, not against a clock of the library's own.
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        return claims


def token_of(raw: Mapping[str, Any]) -> object:
    """Give the token that an event carries, of whatever kind; None if it carries none."""
    context = raw.get("context")
    homing = context.get("homing") if isinstance(context, dict) else None
    return homing.get("token") if isinstance(homing, dict) else None


def _read(kid: str, claims: Mapping[str, Any], now: datetime) -> _Claims | Rejection:
    """Read the claims of a token that was signed for us."""
    texts = [claims[name] for name in ("sub", "anonymous_id", "jti")]
    if not all(isinstance(text, str) and text.strip() and len(text) <= NAME_LENGTH for text in texts):
        return _MALFORMED
    times = [_moment(claims.get(name, 0)) for name in ("iat", "exp", "nbf")]
    issued, expires, begins = times
    if issued is None or expires is None or begins is None:
        return _MALFORMED
    if expires <= now:
        return _EXPIRED
    if max(issued, begins) > now + EARLY:
        return _FUTURE
    if not issued < expires <= issued + LIFE:
        return _TOO_LONG
    subject, anonymous_id, jti = texts
    return _Claims(
        subject=subject,
        anonymous_id=anonymous_id,
        signed={name: claims[name] for name in _SIGNABLE if isinstance(claims.get(name), str)},
        use=TokenUse(token=blake2b(f"{kid}\0{jti}".encode(), digest_size=32).digest(), expires_at=expires),
    )


def _proven(raw: Mapping[str, Any], own: Message, claims: _Claims) -> dict[str, Any]:
    """Give the event as the token's subject's own, with what of it was proven in the token's place."""
    told = {name: [v for n, v in own.identifiers if n == name] for name in claims.signed}
    agreed = [name for name, some in told.items() if some and all(_same(v, claims.signed[name]) for v in some)]
    told_beside = {key: value for key, value in raw["context"]["homing"].items() if key != "token"}
    homing = {**told_beside, PROVEN: ["anonymous_id", *agreed, "user_id"]}
    return {**raw, "userId": claims.subject, "context": {**raw["context"], "homing": homing}}


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _usable(key: TokenKey) -> Any:
    return key.material if key.algorithm is Algorithm.HS256 else Ed25519PublicKey.from_public_bytes(key.material)


def _fault(code: str, why: str) -> Rejection:
    return Rejection(code=f"token_{code}", message=f"{why}; the event counts as its key alone lets it")


_UNWANTED = _fault("unwanted", "no key of tokens is set here ([tokens.keys])")
_MALFORMED = _fault("malformed", f"the token is no JWT with {', '.join(_REQUIRED)}, each as it should be")
_KEY = _fault("key_unknown", "the token's kid names none of the keys that are set here")
_SIGNATURE = _fault("signature", "the token was not signed with the key that its kid names")
_AUDIENCE = _fault("audience", "the token was made for another audience")
_EXPIRED = _fault("expired", "the token has expired")
_FUTURE = _fault("early", "the token is dated in the future")
_TOO_LONG = _fault("long_lived", "a token lives ten minutes at most, from iat to exp")
_OF_ANOTHER = _fault("of_another", "the token is another person's, or of another anonymousId, than the event")
REPLAYED = _fault("replayed", "the token has been used for another event")

_FAULTS = (
    (jwt.InvalidSignatureError, _SIGNATURE),
    (jwt.InvalidAlgorithmError, _SIGNATURE),
    (jwt.InvalidKeyError, _SIGNATURE),
    (jwt.InvalidAudienceError, _AUDIENCE),
)
