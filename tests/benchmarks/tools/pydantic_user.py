"""The user as a Pydantic model, for the two scripts that validate record by record."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, JsonValue, StringConstraints, field_validator

from tests.benchmarks.tools import patterns

Name150 = Annotated[str, StringConstraints(min_length=1, max_length=150, pattern=patterns.CLEAN_TEXT)]
Name300 = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=patterns.CLEAN_TEXT)]


class User(BaseModel):
    """The rules of a user."""

    model_config = ConfigDict(strict=True, extra="forbid")

    email: Annotated[str, StringConstraints(max_length=254, pattern=patterns.EMAIL)]
    email_verified: bool | None = None
    phone_number: Annotated[str, StringConstraints(pattern=patterns.PHONE)] | None = None
    phone_verified: bool | None = None
    user_id: Annotated[str, StringConstraints(pattern=patterns.USER_ID)] | None = None
    username: Annotated[str, StringConstraints(pattern=patterns.USERNAME)] | None = None
    given_name: Name150 | None = None
    family_name: Name150 | None = None
    name: Name300 | None = None
    nickname: Name300 | None = None
    picture: Annotated[str, StringConstraints(pattern=patterns.PICTURE)] | None = None
    blocked: bool | None = None
    password_hash: Annotated[str, StringConstraints(pattern=patterns.BCRYPT)] | None = None
    app_metadata: dict[str, JsonValue] | None = None
    user_metadata: dict[str, JsonValue] | None = None

    @field_validator("email")
    @classmethod
    def local_part_is_short(cls, email: str) -> str:
        """Require at most 64 characters before the @."""
        if email.index("@") > 64:
            raise ValueError("more than 64 characters before the @")
        return email

    @field_validator("app_metadata")
    @classmethod
    def has_no_reserved_key(cls, metadata: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        """Require that no key at the top level is reserved."""
        if metadata and not metadata.keys().isdisjoint(patterns.RESERVED):
            raise ValueError("a reserved key")
        return metadata
