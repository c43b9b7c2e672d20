"""The rules that are patterns, for all scripts; simple enough for the engine of each tool."""

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

EMAIL = rf"^{_ATEXT}(?:\.{_ATEXT})*@{_LABEL}(?:\.{_LABEL})*$"
SHORT_BEFORE_AT = r"^[^@]{1,64}@"
PHONE = r"^\+[0-9]{1,15}$"
PICTURE = r"^(?i:https?)://[^\s/?#]+\S*$"
USER_ID = r"^\S{1,255}$"
USERNAME = r"^[A-Za-z0-9@^$.!`\-#+'~_]{1,128}$"
BCRYPT = r"^\$2[ab]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}$"
CLEAN_TEXT = r"^[^\x00-\x1f]*$"
OBJECT = r"(?s)^\{.*\}$"

RESERVED = (
    *("__tenant", "_id", "blocked", "clientID", "created_at", "email_verified", "email", "globalClientID"),
    *("global_client_id", "identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor_last_modified"),
    *("multifactor", "updated_at", "user_id"),
)
RESERVED_KEY = rf'"(?:{"|".join(RESERVED)})"\s*:'  # in the text of an object, at any depth
