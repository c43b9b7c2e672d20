"""Which names of members are those of secrets, which metadata must not have."""

import re

SECRETS = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "salt", "hash", "totp"),
    *("otp_?key", "private_?key", "api_?key", "recovery_?codes"),
)
ABOUT_SECRETS = (  # endings of names whose values are not the secret itself
    *("at", "on", "date", "time", "changed", "updated", "expire[sd]?", "expiry", "required", "enabled", "status"),
    *(
        "strength",
        "policy",
        "policies",
        "hint",
        "reset",
        "attempts",
        "count",
        "algorithm",
        "type",
        "version",
        "lastset",
    ),
)
NAMES_SECRET = rf"(?i){'|'.join(SECRETS)}"
HARMLESS = rf"(?i)(?:{'|'.join(ABOUT_SECRETS)})$"
HAS_SECRET = rf'(?i)(?:{"|".join(SECRETS)})(?:[^"\\]|\\.)*?\\*"\s*:'  # of JSON texts: others have none


def names_secret(name: str) -> bool:
    """Return whether a name is that of a secret."""
    return re.search(NAMES_SECRET, name) is not None and re.search(HARMLESS, name) is None
