"""Profiles are listed and shown, and a suggested mapping reads files that no profile knows."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from flows.__main__ import app
from flows.report.command_line import main
from flows.settings import Settings
from schemas.job import Mode
from schemas.mapping.names import vendor_profiles
from schemas.mapping.parse import parse_mapping
from tests.flows.importing import import_file, read_users
from transforms.mapping.profiles import hash_schemes

MOST_CHANGED_LINES = 5


def run(*arguments: str) -> int:
    return main(app, ["profiles", *arguments])


def test_every_profile_is_listed_with_its_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [*vendor_profiles()]
    assert "a Keycloak export (json)" in next(line for line in lines if line.startswith("keycloak "))
    assert run("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"name", "title", "formats", "documentation"} == {*listed[0]}


@pytest.mark.parametrize("name", vendor_profiles())
def test_a_profile_that_is_shown_is_a_mapping(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", name) == 0
    shown = capsys.readouterr().out
    assert parse_mapping(shown, schemes=hash_schemes()).fields
    assert tomllib.loads(shown)["documentation"].startswith("https://")


def test_a_profile_that_is_not_there_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "keyclok") == 2
    assert "did you mean keycloak?" in capsys.readouterr().err


CLUB = """Mitgliedsnr;Mailadresse;Vorname;Zuname;Status;Eintritt;Rollen
17;eva@example.com;Eva;Muster;aktiv;03.04.2021;Kasse, Vorstand
18;otto@example.com;Otto;Muster;gesperrt;05.06.2020;
"""
CRM = [
    {"contactId": 7, "person": {"first": "Ida", "last": "Lee"}, "channels": {"work_email": "ida@example.com"},
     "enabled": False, "created": 1600000000, "tags": ["vip"]},
    {"contactId": 8, "person": {"first": "Jo", "last": "Roe"}, "channels": {"work_email": "jo@example.com"},
     "enabled": True, "created": 1500000000, "tags": []},
]  # fmt: skip
SHOP = (
    '{"customer":{"uid":"c1","mail":"kim@example.com","full_name":"Kim Day","lang":"de_AT"},"deactivated":false}\n'
    '{"customer":{"uid":"c2","mail":"lou@example.com","full_name":"Lou Day","lang":"en"},"deactivated":true}\n'
)

FILES: Mapping[str, tuple[str, Mapping[str, str], list[Mapping[str, object]]]] = {
    "club.csv": (
        CLUB,
        {
            'name = "Zuname"': 'family_name = "Zuname"',
            "[fields]": '[fields]\nuser_id = "Mitgliedsnr"\n'
            'registered_at = { from = "Eintritt", time = "%d.%m.%Y", zone = "Europe/Berlin" }',
            "# to user_metadata": '[user_metadata]\nroles = { from = "Rollen", separator = "," }\n# to user_metadata',
        },
        [
            {"user_id": "17", "email": "eva@example.com", "given_name": "Eva", "family_name": "Muster",
             "blocked": False, "registered_at": "2021-04-02T22:00:00Z"},
            {"user_id": "18", "email": "otto@example.com", "given_name": "Otto", "family_name": "Muster",
             "blocked": True, "registered_at": "2020-06-04T22:00:00Z"},
        ],
    ),
    "crm.json": (
        json.dumps({"exported": "today", "contacts": CRM}),
        {"[fields]": '[fields]\nuser_id = "contactId"'},
        [
            {"user_id": "7", "email": "ida@example.com", "given_name": "Ida", "family_name": "Lee", "blocked": True,
             "registered_at": "2020-09-13T12:26:40Z", "user_metadata": '{"source":{"tags":["vip"]}}'},
            {"user_id": "8", "email": "jo@example.com", "given_name": "Jo", "family_name": "Roe", "blocked": False,
             "registered_at": "2017-07-14T02:40:00Z", "user_metadata": None},
        ],
    ),
    "shop.ndjson": (
        SHOP,
        {},
        [
            {"user_id": "c1", "email": "kim@example.com", "name": "Kim Day", "locale": "de-AT", "blocked": False},
            {"user_id": "c2", "email": "lou@example.com", "name": "Lou Day", "locale": "en", "blocked": True},
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_suggested_mapping_with_few_lines_changed_reads_the_file(
    name: str, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, changes, expected = FILES[name]
    source, mapping = tmp_path / name, tmp_path / "mapping.toml"
    source.write_text(content, encoding="utf-8")
    assert run("suggest", str(source), "-o", str(mapping), "--database", str(settings.database)) == 0
    assert "guessed" in capsys.readouterr().err
    text = suggested = mapping.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    assert len({*text.splitlines()} - {*suggested.splitlines()}) <= MOST_CHANGED_LINES
    mapping.write_text(text, encoding="utf-8")
    summary = import_file(settings, source, Mode.INSERT, mapping=str(mapping))
    assert (summary.profile, summary.inserted, summary.failed) == ("mapping", len(expected), 0)
    users = read_users(settings)
    assert [{key: user[key] for key in given} for user, given in zip(users, expected, strict=True)] == expected
