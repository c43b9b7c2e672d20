"""Strategies for values near a limit: texts, wrong types, and rarely something unusual."""

from collections.abc import Sequence

from hypothesis import strategies as st

Json = object
Strategy = st.SearchStrategy[Json]

CONTROLS = ["\x00", "\t", "\n", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\ufffd"]
SPACES = [" ", "\t", "\n", "\x85", "\u00a0", "\u1680", "\u2003", "\u2028", "\u3000"]
INVISIBLE = ["\u200b", "\ufeff", "\u00ad", "\u180e", "\u2060", "\u200d", "\u202e", "\U000e0001", "\U000e0041"]


def rarely(usual: Strategy, odd: Strategy, *, out_of: int = 12) -> Strategy:
    return st.integers(1, out_of).flatmap(lambda number: odd if number == out_of else usual)


def lengths(*around: int) -> st.SearchStrategy[int]:
    """Return the given lengths, one less and one more."""
    return st.sampled_from([length + step for length in around for step in (-1, 0, 1) if length + step >= 0])


def texts(*around: int) -> st.SearchStrategy[str]:
    """Return texts of about these lengths, some beyond ASCII."""
    return st.builds(
        lambda length, unit: (unit * length)[:length], lengths(*around), st.sampled_from(["x", "aé", "日", "😀"])
    )


anything: Strategy = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.just(1.5),
    st.just(""),
    st.just("x"),
    st.just([]),
    st.just({}),
    st.just([{}]),
)
unseen = st.text([*SPACES, *INVISIBLE], max_size=2)


def spaced(texts_: Strategy) -> Strategy:
    """Return the texts, rarely with white space and invisible characters around or inside them."""

    def insert(text: Json, before: str, inside: str, after: str) -> Json:
        half = len(text) // 2 if isinstance(text, str) else 0
        return f"{before}{text[:half]}{inside}{text[half:]}{after}" if isinstance(text, str) else text

    around = st.builds(insert, texts_, unseen, st.just(""), unseen)
    return rarely(rarely(texts_, around, out_of=4), st.builds(insert, texts_, unseen, unseen, unseen), out_of=8)


unclean = st.builds(lambda a, control, b: a + control + b, texts(1, 5), st.sampled_from(CONTROLS), texts(0, 5))


def members(
    required: dict[str, Strategy], optional: dict[str, Strategy], *, unknown: Sequence[str] = ("extra", "rounds")
) -> Strategy:
    """Return objects of these members; rarely, one is missing, has another type, or is unknown."""
    usual = st.fixed_dictionaries(
        {key: rarely(value, anything, out_of=25) for key, value in required.items()},
        optional={key: rarely(value, anything, out_of=25) for key, value in optional.items()},
    )
    missing = st.tuples(usual, st.sampled_from(list(required) or ["-"])).map(
        lambda pair: {k: v for k, v in pair[0].items() if k != pair[1]}
    )
    more = st.tuples(usual, st.sampled_from(list(unknown)), anything).map(
        lambda three: {**three[0], three[1]: three[2]}
    )
    return rarely(rarely(usual, missing, out_of=10), more, out_of=15)
