"""The settings of a connection. The rules made from them are in `schemas.rules.connection_user`."""

from dataclasses import dataclass
from typing import Literal

RequiredField = Literal["email", "username", "phone_number", "user_id"]

USERNAME_PATTERN = r"^[A-Za-z0-9@^$.!`\-#+'~_]*$"


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """Which field one connection requires of users, and what it requires of usernames."""

    connection: str = "default"
    required: RequiredField = "email"
    username_required: bool = False  # besides
    username_min_length: int = 1
    username_max_length: int = 128
    username_pattern: str = USERNAME_PATTERN  # for a linear-time engine: no look-around, no back-references
