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

locales: Strategy = st.sampled_from(
    [
        *(
            "de",
            "de-DE",
            "zh-Hant-TW",
            "sl-rozaj-biske-1994",
            "de-419",
            "en-GB-OED",
            "i-klingon",
            "x-whatever",
            "zh-min-nan",
        ),
        *(
            "en-u-ca-gregory",
            "en-a-bbb-x-a-ccc",
            "qaa-Qaaa-QM-x-southern",
            "de_DE",
            "d",
            "de-",
            "en-a",
            "en-x",
            "x",
            "ſr",
        ),
        *(
            "a-DE",
            "ar-a-aaa-b",
            "tlh-abc-def-ghi-jkl",
            "abcd-efg",
            "123",
            "de-12",
            "en-u",
            "de-DE-1901-1996",
            "toolonglanguage",
        ),
    ]
)
zones: Strategy = st.sampled_from(
    [
        "Europe/Berlin",
        "America/Argentina/Ushuaia",
        "UTC",
        "Etc/GMT+5",
        "US/Eastern",
        "Europe",
        "europe/berlin",
        "CEST",
        "Mars/X",
    ]
)
dates: Strategy = st.builds(
    "{}-{}-{}".format,
    st.sampled_from(["1990", "2024", "2023", "0001", "0000", "9999", "99", "-001"]),
    st.sampled_from(["01", "02", "12", "13", "00", "2", "١٢"]),
    st.sampled_from(["01", "28", "29", "30", "31", "32", "00", "1"]),
)
times: Strategy = st.builds(
    "{}{}{}{}{}".format,
    rarely(st.sampled_from(["2024-02-29", "1998-12-31"]), dates, out_of=4),
    rarely(st.just("T"), st.sampled_from(["t", " ", ""])),
    st.sampled_from(
        ["00:00:00", "23:59:59", "23:59:60", "18:59:60", "05:29:60", "24:00:00", "12:60:00", "1:00:00", "12:00"]
    ),
    rarely(st.just(""), st.sampled_from([".5", ".123456789", ".", ",5"])),
    rarely(
        st.just("Z"),
        st.sampled_from(["z", "", "+00:00", "-05:00", "+05:30", "+24:00", "+0530", "+05", "-00:60"]),
        out_of=2,
    ),
)
role_items: Strategy = rarely(
    st.sampled_from(["admin", "editor", "a,b", 'a"b', "a\\b", "é", "[", "x" * 255]), anything | unclean | texts(255)
)
long_lists: Strategy = lengths(1000).map(lambda n: [f"role {i}" for i in range(n)])
lists: Strategy = rarely(st.lists(role_items, max_size=4), long_lists, out_of=40)
identities: Strategy = st.lists(
    rarely(
        members(
            {"provider": texts(1, 255) | unclean, "user_id": texts(1, 255)}, {"email": emails}, unknown=("connection",)
        ),
        anything,
    ),
    max_size=3,
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
    "middle_name": texts(1, 150),
    "locale": locales,
    "zoneinfo": zones,
    "birthdate": dates,
    "registered_at": times,
    "last_login_at": times,
    "roles": lists,
    "groups": lists,
    "identities": identities,
    "source_id": texts(1, 255),
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
    "middle_name": st.just("M."),
    "locale": st.just("pt-BR"),
    "zoneinfo": st.just("Europe/Berlin"),
    "birthdate": st.just("1990-12-31"),
    "registered_at": st.just("2024-02-29T13:05:00Z"),
    "last_login_at": st.just("2024-02-29T13:05:00.5+01:00"),
    "roles": st.just(["admin", "editor"]),
    "groups": st.just([]),
    "identities": st.just([{"provider": "google", "user_id": "1"}]),
    "source_id": st.just("17"),
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
