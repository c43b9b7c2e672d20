"""Records near the limits of the rules: every field, every limit and one more, wrong types, missing parts."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.oracle.addresses import emails, pictures
from tests.oracle.json_schema import RESERVED
from tests.oracle.password_hashes import BCRYPT, custom_password_hashes, password_hashes
from tests.oracle.strategies import Strategy, anything, lengths, members, rarely, spaced, texts, unclean
from tests.oracle.twin import FIELDS, TEXTS

# a failing batch is not shrunk: the message has the record
GENERATED = settings(phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck), database=None)

phones: Strategy = st.integers(0, 16).map(lambda digits: "+" + "1" * digits) | st.sampled_from(
    ["+49 30", "4930", "+٣", "+1\n", "++1"]
)
user_ids: Strategy = texts(1, 255) | st.sampled_from(
    ["auth0|123", "00123", "a b", "a\u00a0", "a\u2003b", "\u200b", "a\u0085", "\ufeff"]
)
usernames: Strategy = texts(1, 128) | st.sampled_from(
    ["x" * 127, "x" * 128, "x" * 129, "a@b", "a@", "@a", "a b", "a/b@c", "é", "A.b-c_d", "@^$.!`-#+'~_", "a@b.c@d", "K"]
)

metadata_keys = st.sampled_from(["plan", "a.b", "", "é", "user name", "x"])
metadata: Strategy = st.recursive(
    anything | texts(3) | rarely(texts(3), unclean, out_of=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(metadata_keys, inner, max_size=3),
    max_leaves=6,
)
user_metadata: Strategy = st.dictionaries(metadata_keys, metadata, max_size=4)
app_metadata: Strategy = st.dictionaries(rarely(metadata_keys, st.sampled_from(RESERVED)), metadata, max_size=4)


totp = members(
    {
        "secret": rarely(
            st.sampled_from(["JBSWY3DPEHPK3PXP", "A", "234567"]), st.sampled_from(["", "a", "A=", "A1", "A B", "A\n"])
        )
    },
    {},
)
factors: Strategy = rarely(
    st.one_of(
        st.fixed_dictionaries({"totp": totp}),
        st.fixed_dictionaries({"phone": members({"value": phones}, {})}),
        st.fixed_dictionaries({"email": members({"value": emails}, {})}),
    ),
    st.one_of(
        anything,
        st.fixed_dictionaries({}, optional={"totp": totp, "sms": anything, "phone": anything, "email": anything}),
    ),
)
mfa_factors: Strategy = st.lists(factors, max_size=3) | lengths(10).flatmap(
    lambda n: factors.map(lambda factor: [factor] * n)
)

VALUES: dict[str, Strategy] = {
    "email_verified": st.booleans(),
    "phone_number": phones,
    "phone_verified": st.booleans(),
    "user_id": user_ids,
    "username": usernames,
    "given_name": texts(1, 150),
    "family_name": texts(1, 150),
    "name": texts(1, 300),
    "nickname": texts(1, 300),
    "picture": pictures,
    "blocked": st.booleans(),
    "password_hash": password_hashes,
    "custom_password_hash": custom_password_hashes,
    "app_metadata": app_metadata,
    "user_metadata": user_metadata,
    "mfa_factors": mfa_factors,
}
VALUES |= {name: spaced(value) for name, value in VALUES.items() if name in TEXTS}
VALID: dict[str, Strategy] = {
    **VALUES,
    "phone_number": st.just("+4930123"),
    "user_id": st.just("auth0|1"),
    "username": st.just("jane.doe"),
    "given_name": st.just("Jane"),
    "family_name": texts(2, 149),
    "name": texts(2, 299),
    "nickname": st.just("j"),
    "picture": st.just("https://example.com/j.png"),
    "password_hash": st.just(BCRYPT),
    "app_metadata": st.just({"plan": "pro", "roles": ["a", "b"]}),
    "user_metadata": st.just({"colour": {"name": "blue"}}),
    "mfa_factors": st.just([{"totp": {"secret": "ABC"}}]),
}


def with_edge(name: str) -> Strategy:
    """Return a record that is valid except, perhaps, for one field."""
    odd = rarely(spaced(emails) if name == "email" else VALUES[name], st.one_of(anything, unclean), out_of=8)
    one_hash = "password_hash" if name == "custom_password_hash" else "custom_password_hash"
    rest = {key: value for key, value in VALID.items() if key not in {name, one_hash}}
    return st.fixed_dictionaries({"email": st.just("jane@example.com"), name: odd}, optional=rest)


records: Strategy = st.one_of(
    st.sampled_from(["email", *VALUES]).flatmap(with_edge),
    st.just("custom_password_hash").flatmap(with_edge),
    members({"email": spaced(emails)}, VALUES, unknown=("emial", "isAdmin", "Email", "password", *FIELDS)),
)
