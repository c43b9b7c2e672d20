"""Records carry a key of a user in many spellings; words that only look like one are of others."""

import polars as pl
import pytest

from transforms.user_records import UserKeys, erase_in_name, find_records, match_key, pattern_of_messages

ADA = UserKeys(frozenset({"ada@x.example"}), frozenset({"is"}), frozenset({"pro"}), frozenset({"sharer"}))


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"Ada@x.example"}',
        '{"email":" <ada@x.example>"}',
        '{"email":"mailto:ada@x.example?subject=x"}',
        '{"email":"Ada L. <ada@x.example>; b@x.example"}',
        '{"email":"\\u0061da@x.example"}',
        '{"email":"ａｄａ＠ｘ．ｅｘａｍｐｌｅ"}',
        '{"email":"ada\\u200b@x.example"}',
        '{"email":"\\ud800ada@x.example"}',
        '{"email":["ada@x.example"]}',
        '{"email":"b@x.example","email":"ada@x.example"}',
        '{"e-mail":"none","note":{"deep":["ada@x.example"]}}',
        '{"email":"b@x.example","user_id":" pro "}',
        '{"email":"b@x.example","username":"IS"}',
        '{"email":"ada@x.example","broken',
        '{"email":"b", "user_id": "pro", "broken',
        "ada@x.example;Ada;more",
        "pro;Ada;more",
    ],
)
def test_a_record_with_a_key_is_found(text: str) -> None:
    rows = pl.DataFrame({"record": [7, 8], "text": [text, '{"email":"other@x.example"}']})
    assert find_records(rows, ADA) == [7]


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"b@x.example","name":"is","user_metadata":{"plan":"pro","friend":"ada@x.example"}}',
        '{"email":"mary.ada@x.example"}',
        '{"email":"o\'ada@x.example"}',
        '{"email":"ada@x.example.com"}',
        '{"email":"b@x.example","user_id":"is","username":"pro"}',
        '{"email":"b@x.example","user_id":"PRO"}',
        '{"email":"b@x.example","user_id":"pro\\u200b"}',
        '{"email":"ada@x.example","user_id":"sharer"}',
        '{"manager":"ada@x.example","user_id":"u-b"}',
        '{"email":"b","note":"ada@x.example","username":"b", "broken',
        "b@x.example,is,pro",
    ],
)
def test_a_record_of_another_user_is_not_found(text: str) -> None:
    assert find_records(pl.DataFrame({"record": [1], "text": [text]}), ADA) == []


def test_long_texts_are_searched_in_no_time() -> None:
    texts = ['{"email":"ada@' + "x" * 3_000_000, "\\" + "x" * 3_000_000 + " @"]
    assert find_records(pl.DataFrame({"record": [1, 2], "text": texts}), ADA) == []


@pytest.mark.parametrize(
    ("name", "erased"),
    [
        ("in/Ada@x.example.csv.gz", "in/erased.csv.gz"),
        ("export-ada@x.example-2.csv", "export-erased-2.csv"),
        ("in/pro.json", "in/erased.json"),
        ("pro", "erased"),
        ("ada@x.example.rejects.csv", "erased.rejects.csv"),
        ("ada@x.example.part", "erased.part"),
        ("ada@x.example.11111111-2222-4333-8444-555555555555.csv", "erased.11111111-2222-4333-8444-555555555555.csv"),
        ("caf\udce9.csv", "caf\udce9.csv"),
        ("mary.ada@x.example", "mary.ada@x.example"),
        ("ada@x.example.com", "ada@x.example.com"),
        ("this is pro.csv", "this is pro.csv"),
    ],
)
def test_a_name_loses_the_user_only(name: str, erased: str) -> None:
    assert erase_in_name(name, ADA, of_user=True) == erased


def test_a_name_that_is_a_key_stays_where_it_names_nothing_of_the_user() -> None:
    assert [erase_in_name(name, ADA, of_user=False) for name in ("in/is.csv", "pro", "ada@x.example")] == [
        "in/is.csv",
        "pro",
        "erased",
    ]


@pytest.mark.parametrize("name", ["ann@MÜNCHEN.example", "ann@mu\u0308nchen.example", "Ann@xn--mnchen-3ya.example"])
def test_a_name_loses_every_spelling_of_an_international_address(name: str) -> None:
    ann = UserKeys(frozenset({match_key("email", "ann@münchen.example")}))
    assert erase_in_name(f"in/{name}.csv", ann, of_user=False) == "in/erased.csv"


def test_a_message_loses_the_whole_user_id_only() -> None:
    messages = pl.Series(["is held by the existing user pro", "is held by the existing user pro2", "user by pro"])
    replaced = messages.str.replace_all(pattern_of_messages(ADA), "${1}erased${2}").to_list()
    assert replaced == ["is held by the existing user erased", *messages[1:]]


def test_keys_are_those_of_a_merge() -> None:
    assert [match_key(kind, "ＡDA") for kind in ("email", "username", "user_id")] == ["ada", "ada", "ＡDA"]
