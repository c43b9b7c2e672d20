"""One valid record with an invented value in every field, but for the second kind of password hash."""

from collections.abc import Mapping

EXAMPLE: Mapping[str, object] = {
    "email": "ada.lund@example.com",
    "email_verified": True,
    "phone_number": "+46700000001",
    "phone_verified": False,
    "user_id": "u-1001",
    "username": "ada",
    "given_name": "Ada",
    "family_name": "Lund",
    "name": "Ada Maria Lund",
    "nickname": "Ada",
    "picture": "https://img.example.com/ada.png",
    "blocked": False,
    "password_hash": "$2b$10$abcdefghijklmnopqrstuuKWZl2yPbGEtJGZ3kXfXgXgXgXgXgXgX",
    "app_metadata": {"plan": "team"},
    "user_metadata": {"language": "sv"},
    "mfa_factors": [{"totp": {"secret": "JBSWY3DPEHPK3PXP"}}],
    "middle_name": "Maria",
    "locale": "sv-SE",
    "zoneinfo": "Europe/Stockholm",
    "birthdate": "1990-12-31",
    "registered_at": "2019-11-04T08:30:00Z",
    "last_login_at": "2026-01-15T17:45:12+01:00",
    "roles": ["editor", "reviewer"],
    "groups": ["staff"],
    "identities": [{"provider": "google", "user_id": "1077", "email": "ada.lund@example.net"}],
    "source_id": "00417",
}
