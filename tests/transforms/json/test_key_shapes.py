"""Test that repeated keys are found in any object, by comparison with a reader that keeps every pair."""

import json
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.json.key_shapes import find_repeats, have_equal_keys

Pairs = list[tuple[str, object]]
keys = st.sampled_from(["a", "b", "", "a b", '"', "\\", "x\\", '":', "{", "}", "[", "],", "é", "\n", "a.b"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), keys, st.just(1.5))


class Object:
    """A JSON object that may have a key more than once."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs


values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=4).map(Object),
    max_leaves=12,
)


def to_json(value: object) -> str:
    """Return compact JSON."""
    if isinstance(value, Object):
        return "{" + ",".join(f"{json.dumps(key)}:{to_json(inner)}" for key, inner in value.pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def repeated_in(value: object, path: str = "") -> set[tuple[str, str, int]]:
    """Return the repeated keys: path of the object, key, copies."""
    if isinstance(value, list):
        return {found for place, inner in enumerate(value) for found in repeated_in(inner, f"{path}[{place}]")}
    if not isinstance(value, Object):
        return set()
    own = {(path, key, copies) for key, copies in Counter(key for key, _ in value.pairs).items() if copies > 1}
    return own | {found for key, inner in value.pairs for found in repeated_in(inner, f"{path}.{key}")}


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.lists(st.lists(st.tuples(keys, values), max_size=5).map(Object), min_size=1, max_size=5))
def test_every_repeated_key_is_found_with_its_object_and_copies(objects: list[Object]) -> None:
    texts = pl.DataFrame({"record": range(len(objects)), "text": [to_json(value) for value in objects]})
    found: list[set[tuple[str, str, int]]] = [set() for _ in objects]
    for record, parent, key, copies in find_repeats(texts).select("record", "parent", "key", "copies").rows():
        found[record].add((parent, key, copies))
    assert found == [repeated_in(value) for value in objects]


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.lists(st.tuples(keys, values), max_size=5).map(Object))
def test_a_text_with_a_repeated_key_is_always_suspect(value: Object) -> None:
    is_suspect = have_equal_keys(pl.DataFrame({"text": [to_json(value)]})).item()
    assert is_suspect or not repeated_in(value)


@pytest.mark.parametrize("text", ['{"a":[{"b":1},{"b":2}]}', '{"a":{"b":1},"b":2}', '{"a":"a","b":"\\"a\\":"}'])
def test_a_key_may_occur_in_several_objects(text: str) -> None:
    assert find_repeats(pl.DataFrame({"text": [text]})).is_empty()
