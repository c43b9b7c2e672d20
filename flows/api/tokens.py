"""The tokens of the HTTP face: a file beside the database, so that a merge does not block signing in.

A token is shown once; the file has its hash, which is as good as the token is long: no salt and no slow hash is needed.
"""

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from flows.settings import Settings
from flows.store.locks import file_lock
from flows.store.private_files import atomic_write, private_folder
from schemas.codes import ErrorCode
from schemas.faults import JobFault

Scope = Literal["create:users", "read:users", "run-import"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "uit_"
RANDOM_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Token:
    """What a token allows; times are ISO 8601 in UTC."""

    name: str
    scopes: frozenset[Scope]
    connections: frozenset[str] | None = None  # None: all
    created_at: str = ""
    expires_at: str | None = None
    revoked_at: str | None = None
    hash: str = field(default="", repr=False)

    def may_use(self, connection: str) -> bool:
        """Return whether the token is for a connection."""
        return self.connections is None or connection in self.connections

    @property
    def is_valid(self) -> bool:
        """Whether the token is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or utc_now() < self.expires_at)

    def to_dict(self) -> dict[str, object]:
        """Return the token as JSON values, without its hash."""
        connections = None if self.connections is None else sorted(self.connections)
        shown = {**asdict(self), "scopes": sorted(self.scopes), "connections": connections, "is_valid": self.is_valid}
        return {name: value for name, value in shown.items() if name != "hash"}


@dataclass
class TokenFile:
    """The tokens of a database."""

    path: Path
    _version: tuple[int, ...] | None = None
    _tokens: tuple[Token, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Settings) -> "TokenFile":
        """Return the file of a database."""
        return cls(settings.database.with_name(f"{settings.database.name}.tokens.json"))

    def add(
        self, name: str, *, scopes: Iterable[Scope], connections: Iterable[str] | None, expires_at: str | None
    ) -> str:
        """Add a token and return its text, which nothing shows again.
        Raise `ValueError` if a valid token has the name."""
        text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        token = Token(
            name=name,
            scopes=frozenset(scopes),
            connections=None if connections is None else frozenset(connections),
            created_at=utc_now(),
            expires_at=expires_at,
            hash=_hash(text),
        )
        private_folder(self.path.parent)
        with file_lock(self._lock_path):
            before = self.list()
            if any(other.name == name and other.is_valid for other in before):
                raise ValueError(f"there is a token {name} already; revoke it first, or choose another name")
            self._write([other for other in before if other.name != name] + [token])
        return text

    def revoke(self, name: str) -> bool:
        """Revoke a token; return whether there was a valid one of that name."""
        if not self.path.exists():
            return False
        with file_lock(self._lock_path):
            before = self.list()
            is_found = any(token.name == name and token.is_valid for token in before)
            now = utc_now()
            self._write([replace(t, revoked_at=now) if t.name == name and t.is_valid else t for t in before])
        return is_found

    def list(self) -> list[Token]:
        """Return every token, also those that are no longer valid.
        Raise `JobFault` if the file cannot be read: nobody may sign in then."""
        try:
            found = self.path.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            with self._lock:
                if version != self._version:
                    document = json.loads(self.path.read_text(encoding="utf-8"))
                    self._tokens, self._version = tuple(map(_token, document["tokens"])), version
                return list(self._tokens)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is damaged"
            hint = "restore it, or remove it and add the tokens again"
            raise JobFault(ErrorCode.FILE_UNREADABLE, f"{self.path} cannot be read: {reason}", hint) from None

    def find(self, text: str) -> Token | None:
        """Return the valid token of that text; None for one that is unknown, revoked or expired. The time that this
        takes does not depend on how much of the text is right."""
        wanted, found = _hash(text), None
        for token in self.list():
            if hmac.compare_digest(token.hash, wanted) and token.is_valid:
                found = token
        return found

    def has(self, token: Token) -> bool:
        """Return whether a token that was found is still valid."""
        return any(known.hash == token.hash and known.is_valid for known in self.list())

    @property
    def _lock_path(self) -> Path:
        return self.path.with_suffix(".lock")

    def _write(self, tokens: Iterable[Token]) -> None:
        document = {"tokens": [{**token.to_dict(), "hash": token.hash} for token in tokens]}
        with atomic_write(self.path) as temp:
            temp.write_text(json.dumps(document, indent=1), encoding="utf-8")


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _token(document: Mapping[str, Any]) -> Token:
    known = {name: value for name, value in document.items() if name in Token.__dataclass_fields__}
    connections = known["connections"]
    limited = None if connections is None else frozenset(connections)
    sets = {"scopes": frozenset(known["scopes"]), "connections": limited}
    return Token(**{**known, **sets})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
