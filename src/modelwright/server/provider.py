"""An OpenID provider that vouches for people: the code flow with PKCE, and what its signed word must say.

Requests go to the issuer that the operator configured and to what its metadata name: no client names an address. The
issuer's host may be at any address, others must be at public ones, or at those that `MODELWRIGHT_EGRESS` names. OpenID
Connect Core 1.0, sections 3.1 and 5.1, the checks of an ID token those of 3.1.3.7; PKCE is RFC 7636.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from modelwright.core import wire
from modelwright.core.errors import Denied, Error, Invalid, Unavailable
from modelwright.core.gate import is_loopback
from modelwright.core.settings import (
    OIDC_CLIENT_ID,
    OIDC_CLIENT_SECRET,
    OIDC_GROUPS_CLAIM,
    OIDC_ISSUER,
)
from modelwright.egress.ask import Answer, ask
from modelwright.egress.rules import Rules, place_of

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")  # none that the client's secret signs
_LEEWAY_SECONDS = 60
_LARGEST = 1 << 20
_KEYS_SECONDS = 300.0


class Config(Struct, frozen=True, kw_only=True):
    """What an operator says of the provider.

    Attributes:
        issuer: Its address, as its tokens name it.
        client_id: What this server is called there.
        client_secret: What it proves that with; none for a public client.
        groups_claim: The claim that names somebody's groups; none leaves groups to admins.
    """

    issuer: str
    client_id: str
    client_secret: str | None = None
    groups_claim: str | None = None


class Vouched(Struct, frozen=True, kw_only=True):
    """For whom the provider vouches.

    Attributes:
        issuer: The provider.
        subject: What it calls them, for ever.
        name: What they would like to be called when they sign in: their verified mail address, or a user name.
        display: What people call them.
        groups: The groups they are in; none where groups are left to admins.
    """

    issuer: str
    subject: str
    name: str
    display: str
    groups: tuple[str, ...] | None


class Errand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a browser carries from the way out to the way back, in a cookie of its own.

    Attributes:
        state: Comes back in the address.
        nonce: Comes back in the token.
        verifier: Proves that who asked is who was sent.
        after: Where to go then.
    """

    state: str
    nonce: str
    verifier: str
    after: str

    @classmethod
    def begin(cls, after: str) -> Errand:
        """A fresh one."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state=state, nonce=nonce, verifier=verifier, after=after)


def configured() -> Config | None:
    """What the settings say; none where there is no provider.

    Raises:
        Invalid: They say it in part.
    """
    issuer, client = OIDC_ISSUER.value, OIDC_CLIENT_ID.value
    if issuer is None:
        return None
    if client is None:
        raise Invalid(f"{OIDC_ISSUER.name} is set, and {OIDC_CLIENT_ID.name} is not.", remedy="Set both, or neither.")
    return Config(
        issuer=issuer.rstrip("/"),
        client_id=client,
        client_secret=OIDC_CLIENT_SECRET.value,
        groups_claim=OIDC_GROUPS_CLAIM.value,
    )


class Provider:
    """Asks the provider; threads may share it.

    Args:
        config: What an operator says of it.
        clock: Seconds since 1970.
    """

    def __init__(self, config: Config, *, clock: Callable[[], float] = time.time) -> None:
        _secure(config.issuer)
        self.config = config
        self._trusted = (place_of(config.issuer).host,)  # inside the company, as often as not
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] | None = None
        self._keys: tuple[float, Any] = (0.0, None)

    def way_out(self, errand: Errand, back: str) -> str:
        """The address to which the browser is sent.

        Args:
            errand: What it carries.
            back: Where it comes back to.

        Raises:
            Unavailable: The provider does not answer, or not as one does.
        """
        digest = hashlib.sha256(errand.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": back,
            "scope": "openid profile email",
            "state": errand.state,
            "nonce": errand.nonce,
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self._address('authorization_endpoint')}?{urlencode(asked)}"

    def vouched(self, errand: Errand, code: str, back: str) -> Vouched:
        """For whom the provider vouches, after the browser has come back with a code.

        Raises:
            Denied: The code or the token does not count.
            Unavailable: The provider does not answer, or not as one does.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "client_id": self.config.client_id,
            "code_verifier": errand.verifier,
        }
        secret = self.config.client_secret
        answer = self._ask("POST", self._address("token_endpoint"), form=form, secret=secret)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Denied("The provider does not vouch for you.", remedy="Sign in again.")
        return self._read(self._claims(token, errand.nonce))

    def _read(self, claims: Mapping[str, Any]) -> Vouched:
        subject = str(claims["sub"])
        mail = claims.get("email") if claims.get("email_verified") is True else None
        named = self.config.groups_claim
        groups = claims.get(named, []) if named else None
        return Vouched(
            issuer=self.config.issuer,
            subject=subject,
            name=str(mail or claims.get("preferred_username") or subject),
            display=str(claims.get("name") or "")[:200],
            groups=None if groups is None else tuple(str(group) for group in groups if isinstance(group, str)),
        )

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        from joserfc import jwt  # weight: only who signs in by a provider needs it
        from joserfc.errors import InvalidKeyIdError, JoseError

        registry = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self.config.issuer},
            aud={"essential": True, "value": self.config.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            try:
                read = jwt.decode(token, self._jwks(), algorithms=_ALGORITHMS)
            except InvalidKeyIdError:  # a key that came since
                read = jwt.decode(token, self._jwks(fresh=True), algorithms=_ALGORITHMS)
            registry.validate(read.claims)
        except (JoseError, ValueError) as error:
            raise Denied(f"The provider's token does not count: {error}.", remedy="Sign in again.") from None
        authorised = read.claims.get("azp", self.config.client_id)
        if authorised != self.config.client_id:
            raise Denied("The provider's token is for another client.", remedy="Sign in again.")
        return read.claims

    def _jwks(self, *, fresh: bool = False) -> Any:
        from joserfc.jwk import KeySet  # weight: as above

        until, keys = self._keys
        if keys is None or fresh or time.monotonic() >= until:
            keys = KeySet.import_key_set(self._ask("GET", self._address("jwks_uri")))  # type: ignore[arg-type]  # checked there
            self._keys = time.monotonic() + _KEYS_SECONDS, keys
        return keys

    def _address(self, what: str) -> str:
        with self._lock:
            if self._metadata is None:
                found = self._ask("GET", f"{self.config.issuer}/.well-known/openid-configuration")
                if str(found.get("issuer", "")).rstrip("/") != self.config.issuer:
                    raise Unavailable(
                        f"{self.config.issuer} says that it is {str(found.get('issuer'))[:200]!r}.",
                        remedy=f"Set {OIDC_ISSUER.name} to what it says.",
                    )
                self._metadata = found
        address = self._metadata.get(what)
        if not isinstance(address, str):
            raise Unavailable(f"{self.config.issuer} names no {what}.", remedy="Check that it is an OpenID provider.")
        _secure(address)
        return address

    def _ask(
        self, method: str, address: str, *, form: Mapping[str, str] | None = None, secret: str | None = None
    ) -> Mapping[str, Any]:
        headers, body = {"accept": "application/json"}, b""
        if form is not None:
            headers["content-type"], body = "application/x-www-form-urlencoded", urlencode(form).encode()
        if secret is not None:
            proof = b64encode(f"{self.config.client_id}:{secret}".encode()).decode()
            headers["authorization"] = f"Basic {proof}"
        rules = Rules.configured().plus(place_of(address), trusted=self._trusted)
        try:
            answer = ask(method, address, rules=rules, headers=headers, body=body, largest=_LARGEST)
        except (Denied, Unavailable) as error:
            raise Unavailable(f"{self.config.issuer} does not answer: {error.message}", remedy="Try again.") from None
        return self._body(answer)

    def _body(self, answer: Answer) -> Mapping[str, Any]:
        if answer.status in (400, 401, 403):
            raise Denied("The provider does not vouch for you.", remedy="Sign in again.")
        try:
            if answer.status != 200 or not answer.whole:
                raise Invalid(f"status {answer.status}")
            return wire.decode(answer.content, dict[str, Any])
        except Error as error:
            raise Unavailable(f"{self.config.issuer} does not answer as a provider does: {error}.") from None


def _secure(address: str) -> None:
    """Pass silently where nobody on the way can read along.

    Raises:
        Invalid: It is neither ``https`` nor on this machine.
    """
    place = urlsplit(address)
    if place.scheme == "https" or (place.scheme == "http" and is_loopback(place.hostname or "")):
        return
    raise Invalid(f"The provider's address {address[:200]!r} is not https.", remedy="Ask for one that is.")
