"""The settings of a connection. The rules made from them are in `schemas.rules.username`."""

from dataclasses import dataclass

USERNAME_PATTERN = r"^[A-Za-z0-9@^$.!`\-#+'~_]*$"


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """What one connection requires of usernames."""

    connection: str = "default"
    username_required: bool = False
    username_min_length: int = 1
    username_max_length: int = 128
    username_pattern: str = USERNAME_PATTERN  # for a linear-time engine: no look-around, no back-references
