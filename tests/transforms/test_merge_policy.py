"""Test which keys may match, what an update fills, and how metadata are merged."""

import itertools
import json

import duckdb
import pytest

from schemas.fields import FIELDS
from schemas.job import HASHES, FieldPolicy, MergePolicy, Mode, Updatable
from tests.marks import mostly_slow
from tests.transforms.planning import planned

MERGE = MergePolicy(metadata="merge")
VALUES: dict[Updatable, tuple[object, object]] = {
    "email_verified": (True, False),
    "phone_verified": (False, True),
    "given_name": ("Ada", "A."),
    "family_name": ("Lund", "Holm"),
    "name": ("Ada Lund", "Ada Holm"),
    "nickname": ("ada", "al"),
    "picture": ("https://x.example/1", "https://x.example/2"),
    "blocked": (False, True),
    "password_hash": ("$2b$10$old", "$2b$10$new"),
    "custom_password_hash": ('{"algorithm":"md5"}', '{"algorithm":"bcrypt"}'),
    "app_metadata": ('{"plan":"pro"}', '{"plan":"free"}'),
    "user_metadata": ('{"a":1}', '{"b":null}'),
    "mfa_factors": ('[{"email":{"value":"a@x.example"}}]', '[{"phone":{"value":"+1"}}]'),
    "middle_name": ("M.", "N."),
    "locale": ("de", "pt-BR"),
    "zoneinfo": ("Europe/Berlin", "UTC"),
    "birthdate": ("1990-12-31", "1990-12-30"),
    "registered_at": ("2024-02-29T13:05:00Z", "2024-02-29T13:05:01Z"),
    "last_login_at": ("2024-02-29T13:05:00Z", "2024-02-29T14:05:00+01:00"),
    "roles": ('["admin"]', "[]"),
    "groups": ('["a"]', '["a","b"]'),
    "identities": ('[{"provider":"p","user_id":"1"}]', '[{"provider":"p","user_id":"2"}]'),
    "source_id": ("17", "00017"),
}
FILL = MergePolicy(fill_only=True)
ADA = "a@x.example"


def updated(connection: duckdb.DuckDBPyConnection, column: str) -> object:
    """Return the value that the only update gives a column."""
    return connection.sql("from updates").pl()[column].item()


def store_value(connection: duckdb.DuckDBPyConnection, column: Updatable, value: object) -> None:
    """Give ada a value."""
    connection.execute(f"update users set {column} = $value where user_id = 'u-a'", {"value": value})  # noqa: S608


@pytest.mark.parametrize(
    ("patch", "merged"),
    [
        ('{"plan":"free"}', {"plan": "free"}),
        ('{"size":1}', {"plan": "pro", "size": 1}),
        ('{"plan":null}', {}),
        ('{"plan":{"name":"pro","until":null}}', {"plan": {"name": "pro"}}),
    ],
)
def test_metadata_are_merged_as_a_patch(
    users: duckdb.DuckDBPyConnection, patch: str, merged: dict[str, object]
) -> None:
    row = {"email": ADA, "app_metadata": patch}
    assert planned(users, Mode.UPSERT, row, policy=MERGE) == (["update"], [])
    assert json.loads(str(updated(users, "app_metadata"))) == merged


@pytest.mark.parametrize(
    "patch", ["{}", '{"plan":"pro"}', '{"other":null}', '{"deep":{"b":2}}', '{"deep":{"b":2,"a":1}}']
)
def test_metadata_without_new_content_change_nothing(users: duckdb.DuckDBPyConnection, patch: str) -> None:
    stored = '{"plan":"pro","deep":{"a":1,"b":2},"list":[1,{"z":null}]}'
    users.execute("update users set app_metadata = $stored", {"stored": stored})
    assert planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": patch}, policy=MERGE) == (["unchanged"], [])
    assert updated(users, "app_metadata") == stored


def test_metadata_of_the_same_length_but_another_value_are_an_update(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("""update users set app_metadata = '{"a":1,"b":2}'""")
    row = {"email": ADA, "app_metadata": '{"a":2,"b":1}'}
    assert planned(users, Mode.UPSERT, row, policy=MERGE)[0] == ["update"]


def test_metadata_are_replaced_by_default(users: duckdb.DuckDBPyConnection) -> None:
    planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": '{"size":1}'})
    assert updated(users, "app_metadata") == '{"size":1}'


def test_a_patch_that_only_removes_leaves_a_user_without_metadata_alone(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "user_metadata": '{"plan":null}'}
    assert planned(users, Mode.UPSERT, row, policy=MERGE)[0] == ["unchanged"]
    assert updated(users, "user_metadata") is None


def test_only_empty_values_are_filled(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "name": "Other", "nickname": "N", "email_verified": False, "app_metadata": '{"size":1}'}
    kept = [(1, "NOT_CHANGED", field) for field in ("app_metadata", "email_verified", "name")]
    assert planned(users, Mode.UPSERT, row, policy=FILL) == (["update"], kept)
    filled = [updated(users, column) for column in ("name", "nickname", "email_verified", "app_metadata")]
    assert filled == ["ada", "N", True, '{"plan":"pro"}']


def test_a_user_with_nothing_to_fill_is_unchanged(users: duckdb.DuckDBPyConnection) -> None:
    found = planned(users, Mode.UPSERT, {"email": ADA, "name": "Other"}, policy=FILL)
    assert found == (["unchanged"], [(1, "NOT_CHANGED", "name")])
    assert planned(users, Mode.UPSERT, {"email": ADA, "name": "ada"}, policy=FILL) == (["unchanged"], [])


def test_empty_metadata_are_filled(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set app_metadata = '{}'")
    planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": '{"size":1}'}, policy=FILL)
    assert updated(users, "app_metadata") == '{"size":1}'


def test_every_field_that_an_update_sets_has_a_policy() -> None:
    assert {*VALUES} == {field.name for field in FIELDS if field.upsertable} == {*MergePolicy().policies}


@pytest.mark.parametrize("field", mostly_slow(VALUES, quick=("name", "password_hash", "app_metadata", "blocked")))
@pytest.mark.parametrize("policy", ["replace", "fill", "keep"])
def test_a_policy_decides_between_the_stored_and_the_new_value(
    users: duckdb.DuckDBPyConnection, field: Updatable, policy: FieldPolicy
) -> None:
    old, new = VALUES[field]
    by_field = MergePolicy(policy=dict.fromkeys({*HASHES} if field in HASHES else {field}, policy))
    for stored, given in itertools.product((None, old), (None, old, new)):
        store_value(users, field, stored)
        expected = {
            "replace": stored if given is None else given,
            "fill": given if stored is None else stored,
            "keep": stored,
        }[policy]
        outcome = "unchanged" if expected == stored else "update"
        warnings = [] if given in (None, expected) else [(1, "NOT_CHANGED", field)]
        found = planned(users, Mode.UPSERT, {"email": ADA, field: given}, policy=by_field)
        assert (found, updated(users, field)) == (([outcome], warnings), expected)


@pytest.mark.parametrize("stored", HASHES)
@pytest.mark.parametrize("given", HASHES)
def test_a_password_is_kept_and_the_row_is_told_so(
    users: duckdb.DuckDBPyConnection, stored: Updatable, given: Updatable
) -> None:
    store_value(users, stored, VALUES[stored][0])
    row = {"email": ADA, given: VALUES[given][1], "mfa_factors": VALUES["mfa_factors"][0]}
    assert planned(users, Mode.UPSERT, row) == (["update"], [(1, "NOT_CHANGED", given)])
    (other,) = {*HASHES} - {stored}
    assert (updated(users, stored), updated(users, other)) == (VALUES[stored][0], None)
    assert updated(users, "mfa_factors") == VALUES["mfa_factors"][0]
    (message,) = users.execute("select message from differences").fetchone() or ("",)
    assert message == (
        f"differs from the stored value, which the policy fill keeps; --policy {given}=replace takes this one instead"
    )


@pytest.mark.parametrize("is_marked", [False, True])
@pytest.mark.parametrize("policy", ["replace", "fill", "keep"])
def test_a_hash_that_was_left_out_marks_only_a_user_without_a_password(
    users: duckdb.DuckDBPyConnection, policy: FieldPolicy, is_marked: bool
) -> None:
    users.execute("update users set password_hash = 'old' where user_id = 'u-a'")
    users.execute("update users set password_reset_required = $is_marked", {"is_marked": is_marked})
    rows = [{"email": f"{name}@x.example", "password_reset_required": True} for name in "abc"]
    by_field = MergePolicy(policy=dict.fromkeys(HASHES, policy))
    outcomes, _ = planned(users, Mode.UPSERT, *rows, policy=by_field)
    assert outcomes == ["unchanged", "unchanged" if is_marked else "update", "insert"]
    found = users.execute("select password_hash, password_reset_required from updates order by record").fetchall()
    assert found == [("old", is_marked), (None, True)]


def test_a_hash_for_a_user_who_must_reset_the_password_ends_that(users: duckdb.DuckDBPyConnection) -> None:
    users.execute("update users set password_reset_required = true")
    planned(users, Mode.UPSERT, {"email": ADA, "password_hash": "new"})
    assert (updated(users, "password_hash"), updated(users, "password_reset_required")) == ("new", False)


def test_the_policy_of_a_field_takes_precedence(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "name": "Other", "app_metadata": '{"size":1}', "user_metadata": '{"a":1}'}
    by_field = MergePolicy(fill_only=True, policy={"name": "replace", "app_metadata": "merge"})
    assert planned(users, Mode.UPSERT, row, policy=by_field) == (["update"], [])
    found = [updated(users, column) for column in ("name", "app_metadata", "user_metadata")]
    assert found == ["Other", '{"plan":"pro","size":1}', '{"a":1}']
    by_field = MergePolicy(metadata="merge", policy={"app_metadata": "keep"})
    assert planned(users, Mode.UPSERT, row, policy=by_field) == (["update"], [(1, "NOT_CHANGED", "app_metadata")])
    assert updated(users, "app_metadata") == '{"plan":"pro"}'


def test_a_hash_is_filled_only_for_a_user_without_a_hash_of_either_kind(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "password_hash": "new"}
    assert planned(users, Mode.UPSERT, row, policy=FILL)[0] == ["update"]
    users.execute("""update users set custom_password_hash = '{"algorithm":"md5"}'""")
    assert planned(users, Mode.UPSERT, row, policy=FILL)[0] == ["unchanged"]
    assert updated(users, "password_hash") is None


def test_a_key_that_may_not_match_does_not(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "user_id": "u-b", "name": "Bob"}
    assert planned(users, Mode.UPSERT, row) == (["refused"], [(1, "CONFLICT", "")])
    by_id = MergePolicy(match_on=("user_id",))
    assert planned(users, Mode.UPSERT, row, policy=by_id) == (["update"], [(1, "NOT_CHANGED", "email")])
    assert updated(users, "user_id") == "u-b"


def test_a_new_user_never_takes_a_key_that_may_not_match(users: duckdb.DuckDBPyConnection) -> None:
    row = {"email": ADA, "username": "bob", "user_id": "u-new"}
    by_id = MergePolicy(match_on=("user_id",))
    expected = [(1, "CONFLICT_EMAIL", "email"), (1, "CONFLICT_USERNAME", "username")]
    assert planned(users, Mode.UPSERT, row, policy=by_id) == (["refused"], expected)
    assert planned(users, Mode.UPDATE, row, policy=by_id) == (["refused"], [(1, "NOT_FOUND", "")])


def test_an_ambiguous_row_names_both_users_in_the_order_of_the_keys(users: duckdb.DuckDBPyConnection) -> None:
    policy = MergePolicy(match_on=("username", "email"))
    row = {"email": ADA, "username": "bob"}
    assert planned(users, Mode.UPSERT, row, policy=policy)[0] == ["refused"]
    assert users.execute("select message from refusals").fetchall() == [
        ("matches different existing users: username is held by u-b, email is held by u-a",)
    ]


def test_the_plan_names_the_keys_that_matched_in_their_order(users: duckdb.DuckDBPyConnection) -> None:
    policy = MergePolicy(match_on=("user_id", "email"))
    planned(users, Mode.UPSERT, {"email": ADA, "user_id": "u-a", "username": "ada"}, policy=policy)
    assert users.execute("select user_id, matched_by from plan").fetchall() == [("u-a", "user_id, email")]


def test_insert_refuses_a_match_by_any_key(users: duckdb.DuckDBPyConnection) -> None:
    policy = MergePolicy(match_on=("user_id",))
    assert planned(users, Mode.INSERT, {"email": ADA}, policy=policy) == (["refused"], [(1, "CONFLICT_EMAIL", "email")])


NUMBERS = '{"a":1.50,"b":-0,"c":"-0 [1.50, 2.50]","d":[1e2,{"e":0.1000000000000000055511151}],"n":1,"é":"\\n\\"1.0"}'


@pytest.mark.parametrize(
    ("patch", "merged"),
    [
        ('{"n":2}', NUMBERS.replace('"n":1,"é":"\\n\\"1.0"', '"é":"\\n\\"1.0","n":2')),
        ('{"n":null,"f":2.0}', NUMBERS.replace('"n":1,', "").removesuffix("}") + ',"f":2.0}'),
        ('{"a":1.50}', NUMBERS),
    ],
)
def test_numbers_are_merged_as_they_are_written(users: duckdb.DuckDBPyConnection, patch: str, merged: str) -> None:
    store_value(users, "app_metadata", NUMBERS)
    outcome = "unchanged" if merged == NUMBERS else "update"
    assert planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": patch}, policy=MERGE)[0] == [outcome]
    assert updated(users, "app_metadata") == merged


@pytest.mark.parametrize("policy", ["replace", "merge"])
@pytest.mark.parametrize(
    ("stored", "given", "is_same"),
    [
        ('{"a":1,"b":{"c":"x,y","d":[{"e":1,"f":2}]}}', '{"b":{"d":[{"e":1,"f":2}],"c":"x,y"},"a":1}', True),
        ('{"a":1.5,"b":1.0}', '{"b":1.0,"a":1.5}', True),
        ('{"a":1,"b":2}', '{"b":1,"a":2}', False),
        ('{"a":[1,2],"b":[2,1]}', '{"a":[2,1],"b":[1,2]}', False),
        ('{"a":{"x":1},"b":{"y":2}}', '{"a":{"y":2},"b":{"x":1}}', False),
        ('{"a":"null","b":null}', '{"a":null,"b":"null"}', False),
        ('{"a":0.1000000000000000055}', '{"a":0.1000000000000000051}', False),
        ('{"a":1.50}', '{"a":15e-1}', False),
        ('{"a":1,"a":2}', '{"a":2,"a":1}', False),
    ],
)
def test_the_order_of_members_is_no_change_and_how_a_number_is_written_is_one(
    users: duckdb.DuckDBPyConnection, policy: FieldPolicy, *, stored: str, given: str, is_same: bool
) -> None:
    store_value(users, "user_metadata", stored)
    row = {"email": ADA, "user_metadata": given}
    found = planned(users, Mode.UPSERT, row, policy=MergePolicy(policy={"user_metadata": policy}))
    assert found == (["unchanged" if is_same else "update"], [])
    if is_same:
        assert updated(users, "user_metadata") == stored
    elif policy == "replace":
        assert updated(users, "user_metadata") == given


def test_a_custom_hash_in_another_order_is_the_same(users: duckdb.DuckDBPyConnection) -> None:
    stored = '{"algorithm":"md5","hash":{"value":"ab","encoding":"hex"}}'
    store_value(users, "custom_password_hash", stored)
    row = {"email": ADA, "custom_password_hash": '{"hash":{"encoding":"hex","value":"ab"},"algorithm":"md5"}'}
    for policy in (MergePolicy(), MergePolicy(policy=dict.fromkeys(HASHES, "replace"))):
        assert planned(users, Mode.UPSERT, row, policy=policy) == (["unchanged"], [])
        assert updated(users, "custom_password_hash") == stored


@pytest.mark.parametrize("stored", [None, "{}", '{"plan":1.50}'])
@pytest.mark.parametrize("policy", ["replace", "fill", "merge", "keep"])
def test_a_row_without_metadata_leaves_them_as_they_are(
    users: duckdb.DuckDBPyConnection, policy: FieldPolicy, stored: str | None
) -> None:
    store_value(users, "app_metadata", stored)
    by_field = MergePolicy(policy={"app_metadata": policy})
    assert planned(users, Mode.UPSERT, {"email": ADA}, policy=by_field) == (["unchanged"], [])
    assert updated(users, "app_metadata") == stored


def test_metadata_that_are_no_object_are_replaced_by_a_merge(users: duckdb.DuckDBPyConnection) -> None:
    for stored in ("[1,2]", '"text"', "null"):
        store_value(users, "app_metadata", stored)
        planned(users, Mode.UPSERT, {"email": ADA, "app_metadata": '{"a":1.50,"b":null}'}, policy=MERGE)
        assert updated(users, "app_metadata") == '{"a":1.50}'
