"""Test that a record repeats only records that are themselves accepted, whatever chains their keys make."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from transforms.duplicates import find_duplicates

KEY = st.sampled_from("abc")


@given(st.lists(st.tuples(KEY, KEY, st.booleans()), max_size=12))
def test_duplicates_are_those_of_one_record_after_the_other(records: list[tuple[str, str, bool]]) -> None:
    first: dict[tuple[str, str], int] = {}
    for number, (email, username, _) in enumerate(records, 1):
        first.setdefault(("email", email), number)
        first.setdefault(("username", username), number)
    shared = pl.DataFrame(
        [
            {"record": number, "key": key, "first_record": first[key, value], "is_refused": is_refused}
            for number, (email, username, is_refused) in enumerate(records, 1)
            for key, value in (("email", email), ("username", username))
        ],
        schema={"record": pl.Int64, "key": pl.String, "first_record": pl.Int64, "is_refused": pl.Boolean},
    )
    accepted: dict[tuple[str, str], int] = {}
    expected = []
    for number, (email, username, is_refused) in enumerate(records, 1):
        keys = (("email", email), ("username", username))
        repeats = [(number, key, accepted[key, value]) for key, value in keys if (key, value) in accepted]
        expected += repeats
        if not repeats and not is_refused:
            accepted |= dict.fromkeys(keys, number)
    assert find_duplicates(shared).rows() == expected
