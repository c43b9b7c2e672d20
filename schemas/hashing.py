"""How other systems write password hashes: the schemes that a mapping can name, and the parameters that no file has.

What a scheme makes of a hash is in `transforms.hashes`; the algorithms of the result are in
`schemas.rules.hash_algorithms`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class HashProblem(StrEnum):
    """Why a hash has no place in the record of a user, who has to choose a new password."""

    UNSUPPORTED = "unsupported"  # known, and nothing here can verify it
    UNKNOWN = "unknown"  # not a spelling of the scheme
    PARAMETERS = "parameters"  # needs the file that `--hash-parameters` names


@dataclass(frozen=True)
class Scheme:
    """How a system writes password hashes: its parts, texts of which each but `value` may be absent."""

    name: str
    sentence: str
    parts: tuple[str, ...] = ("value",)


_KEYED = ("value", "salt")
_NAMED = ("value", "algorithm", "salt", "order", "iterations", "cost")

SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("spelled", "a text that says what it is, in any spelling of the table of spellings"),
        Scheme("django", "as spelled; `sha1$salt$hash` and `md5$salt$hash` are digests of the salt and the password"),
        Scheme("werkzeug", "as spelled; `sha1$salt$hash` and the like are HMACs of the password under the salt"),
        Scheme("aspnet", "ASP.NET Core Identity, version 2 or 3, in base64"),
        Scheme("named", "a value beside the name of its algorithm; the salt is text (Clerk, Google, WorkOS)", _NAMED),
        Scheme("okta", "as named; the salt is base64, that of bcrypt its own 22 characters", (*_NAMED, "digest")),
        Scheme("fusionauth", "as named, by FusionAuth's encryption schemes; the salt is base64", _NAMED),
        Scheme("keycloak", "a credential of a user as JSON, of any version of Keycloak"),
        Scheme("firebase", "Firebase's scrypt in base64; needs --hash-parameters", _KEYED),
        Scheme(
            "discourse", "PBKDF2 in hex, the salt as text; the algorithm as Discourse spells it", (*_KEYED, "algorithm")
        ),
        Scheme("redmine", "SHA-1 in hex of the salt and of the password's SHA-1", _KEYED),
        Scheme("rocketchat", "bcrypt of the password's SHA-256 in hex"),
    )
}


@dataclass(frozen=True)
class FirebaseParameters:
    """The hash parameters of a Firebase project; the texts are base64."""

    signer_key: str = field(repr=False)
    salt_separator: str
    rounds: int
    mem_cost: int


@dataclass(frozen=True)
class HashParameters:
    """What the hashes of some systems need beside the file that has them."""

    firebase: FirebaseParameters | None = None

    @property
    def fingerprint(self) -> str | None:
        """A digest of the parameters, by which jobs are told apart without showing them; None without parameters."""
        text = json.dumps(asdict(self), sort_keys=True)
        return None if self == NO_PARAMETERS else hashlib.sha256(text.encode()).hexdigest()


NO_PARAMETERS = HashParameters()


@dataclass(frozen=True)
class Hashing:
    """What a job makes of the hashes and the plain-text passwords of its files."""

    parameters: HashParameters = NO_PARAMETERS
    hashes_plain: bool = False  # else a plain-text password is left out


NO_HASHING = Hashing()
