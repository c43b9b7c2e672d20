"""What a connection may set for its users. What the settings forbid is in `schemas.rules.username`."""

from dataclasses import dataclass

USERNAME_PATTERN = r"^[A-Za-z0-9@^$.!`\-#+'~_]*$"


@dataclass(frozen=True, kw_only=True)
class ConnectionSettings:
    """One connection's rules for usernames; the defaults are those of a connection that sets nothing."""

    connection: str = "default"
    username_required: bool = False
    username_min_length: int = 1
    username_max_length: int = 128
    username_pattern: str = USERNAME_PATTERN  # a linear-time expression: no look-around, no back-references
