"""The targets of notices come from the environment; what cannot be used is a sentence without its secrets."""

import pytest

from flows.report.command_line import UsageError
from flows.report.targets import NoticeSettings, Target, Way
from tests.flows.report.receivers import WEBHOOK_SECRET

MAIL = {"IMPORT_SMTP_URL": "smtps://robot:secret@h", "IMPORT_NOTICE_FROM": "a@example.org"}


@pytest.mark.parametrize(
    ("address", "way"),
    [
        ("https://crm.example/hook", Way.WEBHOOK),
        ("http://127.0.0.1:8080/hook?x=1#whsec_x", Way.WEBHOOK),
        ("ops@example.org", Way.MAIL),
        ("ops@example.org, Crm <crm@example.org>", Way.MAIL),
        ("slack://TTTTTTTTT/BBBBBBBBB/cccc", Way.CHAT),
        ("workflows://prod-1.westeurope.logic.azure.com:443/643e/sig", Way.CHAT),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkd", Way.CHAT),
        ("https://prod-1.westeurope.logic.azure.com:443/workflows/643e/triggers/manual/paths/invoke?sig=x", Way.CHAT),
        ("https://hooks.slack.com.example/services/T1JJ3T3L2", Way.WEBHOOK),
        ("json://127.0.0.1/", None),
        ("file:///etc/passwd", None),
        ("syslog://", None),
        ("mailto://robot:secret@h", None),
        ("ftp://h/", None),
        ("https://h:x/", None),
        ("https://[::1/", None),
        ("https:///x", None),
        ("ops", None),
    ],
)
def test_an_address_says_how_its_target_is_reached(address: str, way: Way | None) -> None:
    assert Target("IMPORT_NOTIFY_X", address).way is way


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"IMPORT_WEBHOOK_URL": "https://h/?secret"}, r"^IMPORT_WEBHOOK_SECRET is missing: .*make one with `echo"),
        (
            {"IMPORT_WEBHOOK_URL": "https://h/", "IMPORT_WEBHOOK_SECRET": "secret"},
            "_SECRET is not one of Standard",
        ),
        ({"IMPORT_WEBHOOK_URL": "https://h/", "IMPORT_WEBHOOK_SECRET": "whsec_c2VjcmV0"}, "_SECRET is not one of"),
        ({"IMPORT_WEBHOOK_URL": "https://h/#whsec_secret"}, "_SECRET is not one of"),
        ({"IMPORT_WEBHOOK_URL": "ftp://secret"}, "^IMPORT_WEBHOOK_URL must be http"),
        (
            {"IMPORT_NOTIFY": "ops", "IMPORT_NOTIFY_OPS": "json://secret"},
            "^IMPORT_NOTIFY_OPS must be .* discord, gchat",
        ),
        ({"IMPORT_SMTP_URL": "mail.example.org?secret"}, "^IMPORT_SMTP_URL must be"),
        (
            {"IMPORT_SMTP_URL": "smtp://h", "IMPORT_NOTICE_TO": "secret@b.c"},
            "IMPORT_NOTICE_FROM are missing, with which",
        ),
        ({"IMPORT_NOTICE_FROM": "a@b.c", "IMPORT_NOTICE_TO": "secret@b.c"}, "^IMPORT_SMTP_URL and"),
    ],
)
def test_incomplete_configuration_is_refused(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as raised:
        NoticeSettings.from_environment(environment)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("text", ["opz", "ops:always", "a b", "IMPORT_NOTIFY_OPS", "ops:problems:x"])
def test_a_name_that_no_target_has_is_a_usage_error_that_names_those_there_are(text: str) -> None:
    environment = {**MAIL, "IMPORT_NOTIFY_OPS": "secret@example.org", "IMPORT_NOTIFY_CRM_EU": "secret"}
    sentence = f"there is no target of notices {text!r}; IMPORT_NOTIFY_… variables describe: crm_eu, ops"
    with pytest.raises(UsageError) as raised:
        NoticeSettings.from_environment(environment, notify=["ops", text])
    assert str(raised.value) == sentence
    with pytest.raises(ValueError, match="there is no target"):
        NoticeSettings.from_environment(environment | {"IMPORT_NOTIFY": f"ops,{text}"})


def test_only_targets_that_are_used_are_checked_and_each_is_used_once() -> None:
    environment = {**MAIL, "IMPORT_NOTIFY": "ops:problems, ", "IMPORT_NOTIFY_OPS": "a@b.c", "IMPORT_NOTIFY_BAD": "x"}
    assert NoticeSettings.from_environment(environment).targets == (Target("IMPORT_NOTIFY_OPS", "a@b.c", True),)
    both = NoticeSettings.from_environment(environment, notify=["OPS", "ops:problems"])
    assert both.targets == (Target("IMPORT_NOTIFY_OPS", "a@b.c"),)


def test_repr_of_the_settings_has_no_secrets() -> None:
    environment = {
        **MAIL,
        "IMPORT_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "IMPORT_NOTIFY": "a",
        "IMPORT_NOTIFY_A": "slack://secret",
    }
    shown = repr(NoticeSettings.from_environment(environment))
    assert "secret@" not in shown
    assert "slack" not in shown
    assert WEBHOOK_SECRET not in shown
