"""The samples of applications' exports become the users beside this test, however the same records are written down."""

import csv
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from flows.readers.archive import unpack_archives
from flows.readers.limits import ReadLimits
from flows.readers.sources import Source
from schemas.fields import Field, JsonType
from schemas.mapping.language import Mapping
from tests.flows.readers.mapping.samples import SAMPLES, choose_of, open_sample, read_users
from tests.flows.readers.outcomes import Reader
from tests.marks import mostly_slow
from tests.transforms.hashes.verifying import verifies
from transforms.mapping.profiles import get_profile
from transforms.mapping.rules import Words, read_field
from transforms.mapping.values_at import column_at

EXPECTED = Path(__file__).parent / "applications"
NAMES = [path.stem for path in sorted(EXPECTED.iterdir()) if "." not in path.stem]
FILES = {path.stem: path for path in sorted(SAMPLES.iterdir()) if path.stem in NAMES}
TABLES = [name for name, path in FILES.items() if path.suffix == ".csv" and not get_profile(name).header]
DOCUMENTS = [name for name, path in FILES.items() if path.suffix == ".json"]


def expected_of(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((EXPECTED / f"{name}.json").read_text(encoding="utf-8"))
    return expected


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_read_as_expected(name: str, reading_engine: duckdb.DuckDBPyConnection) -> None:
    outcome = read_users(open_sample(FILES[name]), engine=reading_engine)
    found = {"users": outcome.users, "not_users": outcome.not_users, "warnings": outcome.warnings}
    assert (outcome.profile, outcome.errors) == (name, [])
    assert found == expected_of(name)


@pytest.mark.parametrize(
    ("name", "place", "password"),
    [
        ("canvas", 0, "secret"),
        ("discourse", 0, "secret"),
        ("drupal", 0, "hashcat"),
        ("drupal", 1, "secret"),
        ("gitlab", 0, "secret"),
        ("ldif", 0, "secret"),
        ("moodle", 2, "secret"),
        ("redmine", 0, "secret"),
        ("rocketchat", 0, "secret"),
        ("rocketchat-api", 0, "secret"),
        ("wordpress", 0, "secret"),
        ("wordpress", 1, "password"),
        ("wordpress", 2, "secret"),
    ],
)
def test_the_hash_of_a_sample_verifies_its_password(name: str, place: int, password: str) -> None:
    user = expected_of(name)["users"][place]
    whole = json.dumps(user["custom_password_hash"]) if "custom_password_hash" in user else None
    assert verifies(password, password_hash=user.get("password_hash"), custom_password_hash=whole)
    assert not verifies("wrong", password_hash=user.get("password_hash"), custom_password_hash=whole)


@pytest.mark.parametrize("name", mostly_slow(TABLES, quick=["moodle"]))
def test_a_table_can_have_its_columns_in_any_order(name: str, reader: Reader) -> None:
    lines = [line for line in FILES[name].read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [row[::-1] for row in csv.reader(lines, delimiter=";" if lines[0].count(";") > 2 else ",")]
    title_cased = [[cell.replace("_", " ").title() if "_" in cell else cell for cell in rows[0]], *rows[1:]]
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\r\n").writerows(title_cased)
    source = reader.source(f"\ufeff{text.getvalue()}".encode(), "users.csv")
    assert choose_of(source) == name
    assert _without_rest(read_users(source, engine=reader.engine).users) == _without_rest(expected_of(name)["users"])


@pytest.mark.parametrize("form", ["array", "lines"])
@pytest.mark.parametrize("name", mostly_slow(DOCUMENTS, quick=["slack"]))
def test_a_document_can_be_an_array_or_lines(name: str, form: str, reader: Reader) -> None:
    records = _records_of(json.loads(FILES[name].read_text(encoding="utf-8")), get_profile(name))
    lines = "".join(f"{json.dumps(record)}\n" for record in records)
    content = lines if form == "lines" else json.dumps(records)
    source = reader.source(content.encode(), "users.json" if form == "array" else "users.jsonl")
    outcome = read_users(source, engine=reader.engine)
    assert (outcome.profile, outcome.users) == (name, expected_of(name)["users"])


@pytest.mark.parametrize("name", mostly_slow(DOCUMENTS, quick=["gitlab"]))
def test_a_document_can_be_one_user(name: str, reader: Reader) -> None:
    records = _records_of(json.loads(FILES[name].read_text(encoding="utf-8")), get_profile(name))
    outcome = read_users(reader.source(json.dumps(records[0]).encode(), "user.json"), engine=reader.engine)
    assert (outcome.profile, outcome.users) == (name, expected_of(name)["users"][:1])


def _records_of(document: Any, mapping: Mapping) -> list[Any]:
    if isinstance(document, list):
        return document
    found: list[Any] = next(document[key] for key in mapping.containers if key in document)
    return found


def _without_rest(users: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the users without what has no field, which has the names of the columns as they are written."""
    return [{name: value for name, value in user.items() if name != "user_metadata"} for user in users]


UNKNOWN = {
    "active-directory-csv": b"sAMAccountName,mail,userAccountControl\nann,ann@example.com,normal\n",
    "canvas": b"user_id,login_id,status\n1,ann,paused\n",
    "drupal": b"uid,name,mail,status\n1,ann,ann@example.com,2\n",
    "gitlab": b'[{"username":"ann","state":"paused","web_url":"https://x.example","email":"ann@example.com"}]',
    "liferay": b'[{"alternateName":"ann","emailAddress":"ann@example.com","status":"Paused"}]',
    "mattermost-api": b'[{"username":"ann","create_at":1,"delete_at":"soon","email":"ann@example.com"}]',
    "moodle": b"username,password,firstname,lastname,email,suspended\nann,x,A,B,ann@example.com,perhaps\n",
    "redmine": b'[{"login":"ann","firstname":"A","lastname":"B","mail":"ann@example.com","status":9}]',
    "rocketchat-api": b'[{"username":"ann","emails":[{"address":"ann@example.com"}],"active":"perhaps"}]',
    "salesforce": b"Username,LastName,Email,IsActive\nann,B,ann@example.com,perhaps\n",
    "slack": b'[{"team_id":"T","profile":{"email":"ann@example.com"},"id":"U","deleted":"perhaps"}]',
    "slack-csv": b"username,email,status,userid\nann,ann@example.com,Paused,U1\n",
    "wordpress": b"user_login,user_email,spam\nann,ann@example.com,perhaps\n",
    "zoom": b'[{"email":"ann@example.com","pmi":1,"status":"paused"}]',
    "zoom-csv": b"Email,First Name,Last Name,User Type,User Status\nann@example.com,A,B,Basic,Paused\n",
}


@pytest.mark.parametrize("name", mostly_slow(UNKNOWN, quick=["gitlab"]))
def test_a_status_that_is_not_known_refuses_the_user(name: str, reader: Reader) -> None:
    source = reader.source(UNKNOWN[name], "users.csv" if name in TABLES else "users.json")
    outcome = read_users(source, engine=reader.engine)
    assert (outcome.profile, outcome.users) == (name, [])
    assert "1 INVALID_TYPE blocked" in outcome.errors


MINIMAL = {
    "active-directory": b'{"dn":"CN=Ann","objectClass":["user"],"sAMAccountName":["ann"]}',
    "active-directory-csv": b"DN,objectClass,sAMAccountName\n",
    "canvas": b"user_id,login_id,status\n",
    "discourse": b"username,trust_level\n",
    "drupal": b"UID,Name,Mail\n",
    "fullstory": b'{"requests":[{"uid":"1"}]}',
    "gitlab": b'[{"username":"ann","state":"active","avatar_url":null}]',
    "ldif": b'{"dn":"uid=ann","objectClass":["person"],"uid":["ann"]}',
    "liferay": b"emailAddress,alternateName\n",
    "mattermost": b'{"type":"version","version":1}\n{"type":"team","team":{"name":"x"}}\n',
    "moodle": b"Username,Password,Firstname,Lastname,Email\n",
    "redmine": "Identifiant,Prénom,Nom,Email,Administrateur\n".encode(),
    "rocketchat": b'[{"importIds":["1"],"emails":["ann@example.com"]}]',
    "rocketchat-api": b'[{"username":"ann","emails":[{"address":"ann@example.com"}],"active":true}]',
    "rocketchat-csv": b"ann,ann@example.com,Ann\n",
    "salesforce": b'{"records":[{"attributes":{},"Username":"a","LastName":"B","Email":"c","IsActive":true}]}',
    "slack": b'{"ok":true,"members":[{"id":"U","team_id":"T","profile":{},"deleted":false}]}',
    "wordpress": b"user_login,user_email\n",
    "wordpress-api": b'[{"id":1,"email":"ann@example.com","is_paying_customer":false}]',
    "zoom": b'{"page_count":1,"total_records":1,"users":[{"email":"ann@example.com","type":1,"status":"pending"}]}',
    "zoom-csv": b"Email,First Name,Last Name,Department,Manager,User Group,Job Title,Location\n",
}


@pytest.mark.parametrize("name", MINIMAL)
def test_a_file_with_the_fewest_columns_is_recognised(name: str, reader: Reader) -> None:
    content = MINIMAL[name]
    ending = "csv" if not content.startswith((b"{", b"[")) else "jsonl" if content.count(b"\n") > 1 else "json"
    source = reader.source(content, f"users.{ending}")
    assert choose_of(source) == name


def test_the_users_in_an_archive_of_rocketchat_are_read(reader: Reader) -> None:
    path = reader.folder / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("channels.csv", "general,anna.bell,public,anna.bell;bo\n")
        archive.write(FILES["rocketchat-csv"], "users.csv")
        archive.writestr("general/messages.csv", "bo,1706933106000,Hi\n")
    source = Source(path.name, path, path.stat().st_size)
    (unpacked,) = unpack_archives([source], spool=reader.folder, limits=ReadLimits())
    outcome = read_users(unpacked, engine=reader.engine)
    assert (outcome.profile, outcome.users) == ("rocketchat-csv", expected_of("rocketchat-csv")["users"])


GERMAN = (
    "Mitgliedsname;Vorname;Nachname;E-Mail;Administrator;Angelegt;Letzte Anmeldung;Status\n"
    "anna;Änne;Groß;anna@example.com;Ja;02.01.2023 03:04;03.02.2024 04:05;aktiv\n"
    "bo;Bo;Lo;bo@example.com;Nein;02.01.2023 03:04;;gesperrt\n"
)


def test_localised_headings_are_read_in_the_encoding_that_is_stated(reader: Reader) -> None:
    source = replace(reader.source(GERMAN.encode("latin-1"), "users.csv"), encoding="latin-1")
    outcome = read_users(source, engine=reader.engine)
    assert (outcome.profile, outcome.errors) == ("redmine", [])
    assert outcome.users == [
        {
            "email": "anna@example.com",
            "username": "anna",
            "given_name": "Änne",
            "family_name": "Groß",
            "blocked": False,
            "registered_at": "2023-01-02T03:04:00Z",
            "last_login_at": "2024-02-03T04:05:00Z",
            "roles": ["admin"],
        },
        {
            "email": "bo@example.com",
            "username": "bo",
            "given_name": "Bo",
            "family_name": "Lo",
            "blocked": True,
            "user_metadata": {"redmine": {"Status": "gesperrt"}},
            "registered_at": "2023-01-02T03:04:00Z",
        },
    ]


@pytest.mark.parametrize(
    ("number", "is_blocked"),
    [(2, True), (3, True), (512, False), (514, True), (544, False), (546, True), (66048, False), (66050, True)]
    + [(number, number & 2 != 0) for number in (0, 1, 4, 10, 11, 12, 262656, 262658, 328192, 328194, 590336, 8389120)],
)
def test_an_account_of_active_directory_is_blocked_by_bit_2(number: int, is_blocked: bool) -> None:
    rules = get_profile("active-directory-csv").fields["blocked"]
    words = Words.of(get_profile("active-directory-csv"))
    found = pl.DataFrame({column_at(path): [str(number)] for rule in rules[1:] for path in rule.at})
    assert found.select(read_field(rules[1:], Field("blocked", JsonType.BOOLEAN), words)).item() == json.dumps(
        is_blocked
    )
