"""Broken mappings: the TOML text and every line and sentence that it must get."""
# ruff: noqa: E501 - sentences are compared whole

from collections.abc import Mapping, Sequence

EMAIL = '[fields]\nemail = "mail"\n'
BROKEN: Mapping[str, tuple[str, Sequence[tuple[int, str]]]] = {
    "not_toml": ('[fields\nemail = "mail"\n', [(1, "is not TOML: expected ']' at the end of a table declaration")]),
    "toml_dup": (EMAIL + 'email = "m"\n', [(3, "is not TOML: cannot overwrite a value")]),
    "unclosed": ('[fields]\nemail = "mail\n', [(2, "is not TOML: illegal character '\\n'")]),
    "empty": ("", [(1, "fields is missing")]),
    "no_fields": ('title = "a"\n', [(1, "fields is missing")]),
    "empty_fields": (
        "[fields]\n",
        [(1, "the mapping needs a table [fields] that says where the fields of a user are")],
    ),
    "unknown_top": ('titel = "a"\n[fields]\nemail = "mail"\n', [(1, "titel isn't a known key; did you mean title?")]),
    "unknown_field": (EMAIL + 'emial = "x"\n', [(3, "fields.emial isn't a field of a user; did you mean email?")]),
    "unknown_field_no_guess": (
        EMAIL + 'favourite_colour = "x"\n',
        [(3, "fields.favourite_colour isn't a field of a user; a key of metadata goes into [user_metadata]")],
    ),
    "unknown_rule_key": (
        EMAIL + 'name = { from = "n", patern = "a" }\n',
        [(3, "fields.name.patern isn't a known key; did you mean pattern?")],
    ),
    "empty_path": (
        EMAIL + 'name = ""\n',
        [(3, "fields.name.from must not be empty; write the name of a member, such as email or profile.email")],
    ),
    "bad_path": (
        EMAIL + 'name = "a..b"\n',
        [(3, "fields.name.from 'a..b' is not a path; write a.b for a member, a[0] for an item and a[] for every item")],
    ),
    "bad_path2": (
        EMAIL + 'name = "a[x"\n',
        [(3, "fields.name.from 'a[x' is not a path; write a.b for a member, a[0] for an item and a[] for every item")],
    ),
    "cond_before_many": (
        EMAIL + 'name = "a[k=v].b[]"\n',
        [
            (
                3,
                "fields.name.from 'a[k=v].b[]' has a condition before another step to several values; only the last can have one",
            )
        ],
    ),
    "no_source": (
        EMAIL + 'name = { join = " " }\n',
        [(3, "fields.name needs from, the path of the value, or value, a constant")],
    ),
    "both": (
        EMAIL + 'name = { from = "a", value = "b" }\n',
        [(3, "fields.name has both from and value; write default for what an absent value becomes")],
    ),
    "several_without_join": (
        EMAIL + 'name = { from = ["a", "b"] }\n',
        [
            (
                3,
                "fields.name has several paths in from; write join to combine them, or a list of rules to take the first",
            )
        ],
    ),
    "bad_regex": (
        EMAIL + 'name = { from = "a", pattern = "(" }\n',
        [(3, "fields.name.pattern '(' is not a regular expression (without look-around and backreferences)")],
    ),
    "lookahead": (
        EMAIL + 'name = { from = "a", fits = "(?=a)" }\n',
        [(3, "fields.name.fits '(?=a)' is not a regular expression (without look-around and backreferences)")],
    ),
    "bad_time": (
        EMAIL + 'name = { from = "a", time = "rfc" }\n',
        [
            (
                3,
                "fields.name.time 'rfc' does not say how a time or date is written; write epoch, epoch_ms, filetime, iso or a format such as %d/%m/%Y",
            )
        ],
    ),
    "bad_zone": (
        EMAIL + 'name = { from = "a", time = "iso", zone = "Mars" }\n',
        [(3, "fields.name has the zone 'Mars', which isn't an IANA time zone such as Europe/Berlin")],
    ),
    "not_on_text": (EMAIL + 'name = { from = "a", not = true }\n', [(3, "fields.name has not, but name is a text")]),
    "sep_on_text": (
        EMAIL + 'name = { from = "a", separator = "," }\n',
        [(3, "fields.name has separator, but name is a text")],
    ),
    "empty_sep": (
        EMAIL + 'mfa_factors = { from = "a", separator = "" }\n',
        [(3, "fields.mfa_factors.separator must not be empty")],
    ),
    "each": (
        EMAIL + 'name = { from = "a", each = { provider = "p" } }\n',
        [(3, "fields.name has each, but name is a text")],
    ),
    "each_bad": (
        EMAIL + 'mfa_factors = { from = "a", each = { foo = "p" } }\n',
        [(3, "fields.mfa_factors.each.foo must be 'provider', 'user_id' or 'email'")],
    ),
    "factor": (EMAIL + 'name = { from = "a", factor = "totp" }\n', [(3, "fields.name has factor, but name is a text")]),
    "factor_bad": (
        EMAIL + 'mfa_factors = { from = "a", factor = "sms" }\n',
        [(3, "fields.mfa_factors.factor must be 'totp', 'phone' or 'email'")],
    ),
    "const_bool": (
        EMAIL + 'blocked = { value = "yes" }\n',
        [(3, "fields.blocked has the value 'yes', but blocked is true or false")],
    ),
    "map_bool": (
        EMAIL + 'blocked = { from = "s", map = { a = "x" } }\n',
        [(3, "fields.blocked has the value 'x', but blocked is true or false")],
    ),
    "const_text_true": (
        EMAIL + "name = { value = true }\n",
        [(3, "fields.name has the value True, but name is a text")],
    ),
    "const_obj": (
        EMAIL + 'app_metadata = { value = "x" }\n',
        [(3, "fields.app_metadata has a constant, but app_metadata is an object")],
    ),
    "fits_list": (
        EMAIL + 'mfa_factors = { from = "a", fits = "x" }\n',
        [(3, "fields.mfa_factors has fits, but mfa_factors is a list")],
    ),
    "wrong_type": (EMAIL + "name = 5\n", [(3, "fields.name must be a path or a table")]),
    "wrong_type2": (EMAIL + "name = { from = 5 }\n", [(3, "fields.name.from must be a path")]),
    "second_rule": (
        EMAIL + 'name = [\n    "a",\n    { from = "b", patern = "x" },\n]\n',
        [(5, "fields.name.patern isn't a known key; did you mean pattern?")],
    ),
    "bad_null": ('null = "maybe"\n[fields]\nemail = "mail"\n', [(1, "null must be 'refuse', 'absent' or 'clear'")]),
    "bad_rest": ('rest = "drop"\n[fields]\nemail = "mail"\n', [(1, "rest must be 'metadata' or 'refuse'")]),
    "bad_system": (
        'system = "My System"\n[fields]\nemail = "mail"\n',
        [(1, "system must be lower-case letters and digits, with - or _ between them")],
    ),
    "bad_format": (
        'formats = ["xml"]\n[fields]\nemail = "mail"\n',
        [(1, "formats must be 'json', 'csv', 'excel', 'parquet' or 'ldif'")],
    ),
    "pw_neither": (
        EMAIL + '[[password]]\nwhen = "x"\n',
        [(3, "password needs either scheme and parts, for a hash, or plain")],
    ),
    "pw_both": (
        EMAIL + '[[password]]\nscheme = "spelled"\nplain = "p"\n',
        [(3, "password needs either scheme and parts, for a hash, or plain")],
    ),
    "pw_no_value": (
        EMAIL + '[[password]]\nscheme = "spelled"\nparts = { salt = "s" }\n',
        [(3, "password needs parts.value, the path of the hash")],
    ),
    "pw_scheme": (
        EMAIL + '[[password]]\nscheme = "speled"\nparts = { value = "v" }\n',
        [(4, "password.scheme 'speled' isn't a known scheme; did you mean spelled?")],
    ),
    "pw_scheme_far": (
        EMAIL + '[[password]]\nscheme = "zzz"\nparts = { value = "v" }\n',
        [(4, "password.scheme 'zzz' isn't a known scheme; known are spelled, named")],
    ),
    "pw_part": (
        EMAIL + '[[password]]\nscheme = "spelled"\n[password.parts]\nvalue = "v"\npepper = "x"\n',
        [
            (
                7,
                "password.parts.pepper isn't a part of spelled; these are value, salt",
            )
        ],
    ),
    "pw_second": (
        EMAIL + '[[password]]\nscheme = "spelled"\nparts = { value = "v" }\n\n[[password]]\nplain = "p"\nunles = "x"\n',
        [(9, "password.unles isn't a known key; did you mean unless?")],
    ),
    "skip_both": (
        EMAIL + '[[skip]]\nwhere = "t"\nis = ["a"]\nis_not = ["b"]\n',
        [(3, "skip has both is and is_not; write one of them")],
    ),
    "skip_no_where": (EMAIL + '[[skip]]\nis = ["a"]\n', [(3, "skip.where is missing")]),
    "recognise": (
        EMAIL + "[[recognise]]\ncolumn = 3\n",
        [(4, "recognise.column isn't a known key; did you mean columns?")],
    ),
    "recognise_cols": (EMAIL + "[[recognise]]\ncolumns = 0\n", [(4, "recognise.columns must be at least 1")]),
    "recognise_val": (
        EMAIL + '[[recognise]]\nvalues = { a = "(" }\n',
        [(4, "recognise.values.a '(' is not a regular expression (without look-around and backreferences)")],
    ),
    "secret_meta": (
        EMAIL + '[user_metadata]\nnote = "api_key"\n',
        [(4, "user_metadata.note is or reads api_key, which names a secret; metadata must not have any")],
    ),
    "secret_meta_name": (
        EMAIL + '[app_metadata]\npassword = "p"\n',
        [(4, "app_metadata.password is or reads password, which names a secret; metadata must not have any")],
    ),
    "meta_bad": (
        EMAIL + '[user_metadata]\nk = { form = "p" }\n',
        [(4, "user_metadata.k.form isn't a known key; did you mean from?")],
    ),
    "ignore": (
        'ignore = ["a", "b["]\n[fields]\nemail = "mail"\n',
        [(1, "ignore 'b[' is not a path; write a.b for a member, a[0] for an item and a[] for every item")],
    ),
    "fields_str": ('fields = "x"\n', [(1, "fields must be a table")]),
    "inline": (
        'fields = { email = "m", nam = "x" }\n',
        [(1, "fields.nam isn't a field of a user; did you mean name?")],
    ),
    "quoted": (EMAIL + '"na me" = "x"\n', [(3, "fields.na me isn't a field of a user; did you mean name?")]),
    "dotted": (
        EMAIL + 'name.from = "x"\nname.patern = "y"\n',
        [(4, "fields.name.patern isn't a known key; did you mean pattern?")],
    ),
    "subtable": (
        EMAIL + '[fields.name]\nfrom = "x"\njoins = "y"\n',
        [(5, "fields.name.joins isn't a known key; did you mean join?")],
    ),
    "multi": (
        'titel = "a"\n[fields]\nemail = "mail"\nemial = "x"\nname = { form = "n" }\n',
        [
            (1, "titel isn't a known key; did you mean title?"),
            (4, "fields.emial isn't a field of a user; did you mean email?"),
            (5, "fields.name.form isn't a known key; did you mean from?"),
        ],
    ),
    "replace": (
        EMAIL + 'name = { from = "a", pattern = "a", replace = 5 }\n',
        [(3, "fields.name.replace must be a text")],
    ),
    "value_float": (
        EMAIL + "name = { value = 1.5 }\n",
        [(3, "fields.name.value must be a text, a whole number, true or false")],
    ),
    "map_nested": (
        EMAIL + 'name = { from = "a", map = { x = [1] } }\n',
        [(3, "fields.name.map.x must be a text, a whole number, true or false")],
    ),
    "colname": (
        'column_name = "("\n[fields]\nemail = "mail"\n',
        [(1, "column_name '(' is not a regular expression (without look-around and backreferences)")],
    ),
    "header": ('header = "a"\n[fields]\nemail = "mail"\n', [(1, "header must be a list")]),
    "record": (
        'record = ""\n[fields]\nemail = "mail"\n',
        [(1, "record must not be empty; write the name of a member, such as email or profile.email")],
    ),
    "crlf": (
        '[fields]\r\nemail = "mail"\r\nemial = "x"\r\n',
        [(3, "fields.emial isn't a field of a user; did you mean email?")],
    ),
    "ml_string": (
        'title = """\n[fields]\nemial = "x"\n"""\n[fields]\nemail = "mail"\nemial = "x"\n',
        [(7, "fields.emial isn't a field of a user; did you mean email?")],
    ),
    "array_of_tables_lines": (
        EMAIL + '[[skip]]\nwhere = "t"\n[[skip]]\nwere = "t"\n',
        [(5, "skip.where is missing"), (6, "skip.were isn't a known key; did you mean where?")],
    ),
    "two_paths_empty": (
        EMAIL + "name = []\n",
        [(3, "fields.name must not be empty; leave it out if the file does not have it")],
    ),
    "join_nonmulti": (
        EMAIL + 'name = { from = [], join = "x" }\n',
        [(3, "fields.name needs from, the path of the value, or value, a constant")],
    ),
    "present_text": (
        EMAIL + 'name = { from = "x", present = true }\n',
        [(3, "fields.name has present, but name is a text")],
    ),
    "boolean_map_value": (
        EMAIL + 'name = { from = "x", map = { a = true } }\n',
        [(3, "fields.name has the value True, but name is a text")],
    ),
    "time_on_bool": (
        EMAIL + 'blocked = { from = "x", time = "iso" }\n',
        [(3, "fields.blocked has time, but blocked is true or false")],
    ),
    "replace_alone": (
        EMAIL + 'name = { from = "x", replace = "a" }\n',
        [(3, "fields.name has replace without pattern")],
    ),
    "badfmt": (
        EMAIL + 'name = { from = "x", time = "%Q" }\n',
        [
            (
                3,
                "fields.name.time '%Q' does not say how a time or date is written; write epoch, epoch_ms, filetime, iso or a format such as %d/%m/%Y",
            )
        ],
    ),
}
