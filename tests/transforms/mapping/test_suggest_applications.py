"""Lists of users of applications without a profile are suggested as mappings that need little or no change."""

import csv
import tomllib

import pytest

from schemas.mapping.parse import parse_mapping
from schemas.mapping.signs import Sample
from transforms.mapping.profiles import hash_schemes
from transforms.mapping.suggest import suggest_mapping


def suggest(text: str) -> dict[str, object]:
    """Return the mapping that is suggested for a table, which is one that can be read."""
    rows = [*csv.reader(text.splitlines())]
    records = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    suggested = suggest_mapping(Sample("csv", {"": records}, columns=tuple(rows[0]), rows=rows), name="users.csv")
    parse_mapping(suggested, schemes=hash_schemes())
    return tomllib.loads(suggested)


JIRA = """User id,User name,email,User status,Added to org,Org role,Last seen in Jira - example
712020:aa,Anna Bell,anna@example.com,Active,02 Jan 2023,User,03 Feb 2024
712020:bb,Bo Lo,bo@example.com,Suspended,02 Jan 2023,User,Never accessed
"""
HUBSPOT = """Record ID,First Name,Last Name,Email,Mobile Phone Number,Lifecycle Stage,Create Date
101,Anna,Bell,anna@example.com,+351 910 000 001,Customer,2023-01-02 03:04
"""
MAILCHIMP = """Email Address,First Name,Last Name,Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,TIMEZONE,LEID,TAGS
anna@example.com,Anna,Bell,,2,,2023-01-02 03:04:05,Europe/Lisbon,1,vip
"""
MAGENTO = """email,_website,created_at,dob,firstname,group_id,lastname,middlename,password_hash,rp_token,store_id
anna@example.com,base,2023-01-02 03:04:05,1990-05-06,Anna,1,Bell,,a1b2:salt:1,,1
"""
ZENDESK = """id,name,email,created_at,last_login_at,time_zone,locale_id,locale,role,phone,verified,active,suspended
1,Anna Bell,anna@example.com,2023-01-02T03:04:05Z,2024-02-03T04:05:06Z,Lisbon,1,pt,agent,+351910000001,true,true,false
"""
MEMBERS = """email_address,backend,status
anna@example.com,Database,subscribed
"""


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (
            JIRA,
            {
                "email": "email",
                "user_id": "User id",
                "name": "User name",
                "blocked": {"from": "User status", "map": {"active": False, "suspended": True}},
                "registered_at": {"from": "Added to org", "time": "%d %b %Y"},
                "roles": "Org role",
            },
        ),
        (
            HUBSPOT,
            {
                "email": "Email",
                "phone_number": "Mobile Phone Number",
                "user_id": "Record ID",
                "given_name": "First Name",
                "family_name": "Last Name",
                "registered_at": {"from": "Create Date", "time": "iso"},
            },
        ),
        (
            MAILCHIMP,
            {
                "email": "Email Address",
                "given_name": "First Name",
                "family_name": "Last Name",
                "zoneinfo": "TIMEZONE",
                "registered_at": {"from": "CONFIRM_TIME", "time": "iso"},
            },
        ),
        (
            MAGENTO,
            {
                "email": "email",
                "given_name": "firstname",
                "family_name": "lastname",
                "middle_name": "middlename",
                "birthdate": {"from": "dob", "time": "iso"},
                "registered_at": {"from": "created_at", "time": "iso"},
                "groups": "group_id",
            },
        ),
        (
            ZENDESK,
            {
                "email": "email",
                "email_verified": "verified",
                "phone_number": "phone",
                "user_id": "id",
                "name": "name",
                "blocked": [{"from": "active", "not": True}, "suspended"],
                "locale": "locale",
                "zoneinfo": "time_zone",
                "registered_at": {"from": "created_at", "time": "iso"},
                "last_login_at": {"from": "last_login_at", "time": "iso"},
                "roles": "role",
            },
        ),
        (MEMBERS, {"email": "email_address"}),
        (
            "Prénom,Nom,Adresse e-mail,Identifiant,Langue\nAnna,Bell,anna@example.com,anna,fr\n",
            {
                "email": "Adresse e-mail",
                "username": "Identifiant",
                "given_name": "Prénom",
                "family_name": "Nom",
                "locale": "Langue",
            },
        ),
        (
            "Nombre,Apellidos,Correo electrónico,Usuario\nAnna,Bell,anna@example.com,anna\n",
            {
                "email": "Correo electrónico",
                "username": "Usuario",
                "given_name": "Nombre",
                "family_name": "Apellidos",
            },
        ),
    ],
    ids=["jira", "hubspot", "mailchimp", "magento", "zendesk", "members", "french", "spanish"],
)
def test_the_fields_of_an_application_are_found(text: str, fields: dict[str, object]) -> None:
    assert suggest(text)["fields"] == fields


def test_a_hash_of_an_unknown_kind_is_not_taken_for_a_password() -> None:
    assert suggest(MAGENTO)["password"] == [{"scheme": "spelled", "parts": {"value": "password_hash"}}]
