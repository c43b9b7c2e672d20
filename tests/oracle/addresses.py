"""E-mail addresses and URIs near the limits of the grammars."""

from hypothesis import strategies as st

from tests.oracle.strategies import Strategy, rarely

atoms = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~", min_size=1, max_size=5)
odd_locals = st.sampled_from(
    ["", ".a", "a.", "a..b", "a b", '"a b"', "a@b", "é", "a" * 63, "a" * 64, "a" * 65, "a,b", "a\\b", "(c)a", "\u212a"]
)
locals_ = rarely(st.lists(atoms, min_size=1, max_size=3).map(".".join), odd_locals, out_of=4)
labels = st.one_of(
    st.text("abcz019", min_size=1, max_size=6),
    st.sampled_from(
        [
            "straße",
            "ΟΔΟΣ",
            "xn--strae-oqa",
            "XN--R8JZ45G",
            "\u0130a",
            "mu\u0308nchen",
            "नी",
            "x" * 62,
            "x" * 63,
            "a-b",
            "a--b",
            "xn--mnchen-3ya",
            "MÜNCHEN",
            "bücher",
            "例え",
            "l·l",
            "é" * 58,
            "é" * 59,
        ]
    ),
)
odd_labels = st.sampled_from(
    [
        "",
        "-a",
        "a-",
        "xn--a",
        "xn--",
        "xn--abc",
        "1א",
        "x" * 64,
        "é" * 60,
        "a_b",
        "a b",
        "ａ",
        "a．b",
        "ﬁ",
        "☃",
        "😀",
        "-é",
        "é-",
        "a·l",
        "ー・",
        "a・b",
        "٠۰",
        "א׳",
        "a׳",
        "㍻",
        "क\u200dष",
        "नी\u200c",
        "ـa",
        "〇",
        "\u0301a",
        "[127.0.0.1]",
        "a/b",
        "\u2126",
    ]
)
domains = st.lists(rarely(labels, odd_labels), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts)))
long_domain = st.integers(180, 250).map(lambda length: ".".join(["x" * 50] * 10)[:length].strip("."))
emails: Strategy = st.builds("{}@{}".format, locals_, rarely(domains, long_domain)) | st.sampled_from(
    ["", "@", "a", "a@b@c", "a@b.c\n"]
)

hosts = st.sampled_from(
    [
        "example.com",
        "a",
        "1.2.3.4",
        "999.1",
        "[::1]",
        "[1:2:3:4:5:6:7:8]",
        "[::ffff:1.2.3.4]",
        "[v1.a:b]",
        "u:p@a",
        "a:80",
        "a:",
        "%41",
    ]
)
odd_hosts = st.sampled_from(
    [
        "",
        ":80",
        "a b",
        "é.com",
        "[::1",
        "[1:2]",
        "[:::1]",
        "[::01.2.3.4]",
        "[::1%25eth0]",
        "a:b",
        "u@@a",
        "%4",
        "a\\b",
        "[::1]a",
        "[v.a]",
    ]
)
tails = st.sampled_from(
    ["", "/", "/a/b;c=d", "//", "?q", "?a=/?:@", "#f", "/p?q#f", "/%7E", "/a:@!$&'()*+,;=", "/a-_.~"]
)
odd_tails = st.sampled_from(["/ ", "/é", "/%", "/%6G", "/[", "#a#b", "/{}", '/"', "/^", "/|", "/\\", "/<>", "/`", "?é"])
schemes = rarely(st.sampled_from(["http", "https", "HTTPS"]), st.sampled_from(["", "ftp", "httpx", "1http", "ht tp"]))
pictures: Strategy = st.builds(
    "{}://{}{}".format, schemes, rarely(hosts, odd_hosts), rarely(tails, odd_tails)
) | st.sampled_from(["", "x", "//a", "http:/a", "http:a", "https://", "data:image/png;base64,xx"])
