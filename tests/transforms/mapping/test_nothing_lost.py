"""Whatever records look like, each of their values is in a field, in the metadata or covered by a warning."""

import json

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.transforms.mapping.mapped import map_values

MAPPINGS = {
    "members": '[fields]\nname = "a.b"\nnickname = "a.c.d"\ngiven_name = "b"\n',
    "several": '[fields]\nname = ["a", "b", "c.d"]\nnickname = ["d", { from = ["a", "c.b"], join = " " }]\n',
    "misfits": '[fields]\nname = { from = "a", fits = "[02468]$" }\nnickname = [{ from = "b", fits = "1$" }, "c"]\n',
    "items": '[fields]\nname = "a[0]"\nnickname = "b[1].c"\ngiven_name = "c[a=v1].b"\nfamily_name = "c[].d"\n',
    "lists": '[fields]\nmfa_factors = [{ from = "a[]", factor = "phone" }, { from = "b.c[].d", factor = "totp" }]\n',
    "flags": '[fields]\nblocked = ["a", "b.c"]\nemail_verified = { from = "d", present = true }\n',
    "record": 'record = "a"\n[fields]\nname = "b"\nnickname = "c[0]"\n[user_metadata]\nk = ["a", "d"]\n',
    "whole": '[fields]\nuser_metadata = "a"\n[user_metadata]\nk = "b[0].c"\n[app_metadata]\nl = "c.*"\n',
    "passwords": (
        '[fields]\nname = "a"\n[[password]]\nscheme = "spelled"\nparts = { value = "b[a=v1].c" }\nwhen = "d"\n'
        '[[password]]\nplain = "c.d"\nunless = "d"\n'
    ),
    "skip": '[fields]\nname = "a"\n[[skip]]\nwhere = "b"\nis = ["v1"]\n[[skip]]\nwhere = "c.d"\nis_not = ["v2", ""]\n',
}
KEYS = st.sampled_from("abcd")
VALUES = st.recursive(
    st.one_of(st.none(), st.just(""), st.just("leaf")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def name_leaves(value: object, names: list[str]) -> object:
    """Return the value with a name of its own in place of each leaf; names are added to the list."""
    if value == "leaf":
        names.append(f"v{len(names)}")
        return names[-1]
    if isinstance(value, list):
        return [name_leaves(item, names) for item in value]
    if isinstance(value, dict):
        return {key: name_leaves(item, names) for key, item in value.items()}
    return value


@pytest.mark.parametrize("name", MAPPINGS)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(shapes=st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=8))
@example(shapes=[{"a": ["leaf", "leaf"], "b": [{"c": "leaf"}, {"c": "leaf", "d": "leaf"}], "c": "leaf"}])
def test_every_value_is_somewhere(engine: duckdb.DuckDBPyConnection, name: str, shapes: list[object]) -> None:
    names: list[list[str]] = [[] for _ in shapes]
    records = [name_leaves(shape, found) for shape, found in zip(shapes, names, strict=True)]
    mapped = map_values(engine, MAPPINGS[name], *records)
    read = [record for record in range(1, len(records) + 1) if record not in mapped.others]
    assert len(mapped.users) == len(read)
    told = {record for record, *_ in mapped.warnings}
    for record, user in zip(read, mapped.users, strict=True):
        wrong = {str(value) for value in user.values()} & {"(string)", "(object)", "(array)", "(number)"}
        text = json.dumps(user)
        lost = [leaf for leaf in names[record - 1] if f'{leaf}\\"' not in text and f'"{leaf}"' not in text]
        lost = [leaf for leaf in lost if leaf not in text.replace('"', " ").replace("\\", " ").split()]
        assert not lost or wrong or record in told, (records[record - 1], user)
