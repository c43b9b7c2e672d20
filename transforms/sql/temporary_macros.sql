-- the user_id of a new user: the given one, else a UUID (version 8) of the job and the record, so that a plan can show it
create or replace temp macro new_user_id(given, job_id, record) as coalesce(
    given,
    (
        (md5_number(job_id || '/' || record::varchar)::uhugeint & 340282366920937330081583660661634760703::uhugeint)
        | 604462909807314587353088::uhugeint | 9223372036854775808::uhugeint
    )::uuid::varchar
);

-- the value that an update gives a field, as the policy of the field says
create or replace temp macro by_policy(policy, stored, given) as case policy
    when 'keep' then stored
    when 'fill' then coalesce(stored, given)
    else coalesce(given, stored)
end;

-- the same of metadata, which are also empty if they are {}
create or replace temp macro metadata_by_policy(policy, stored, given) as coalesce(
    by_policy(policy, nullif(stored, '{}'), given),
    stored
);

-- a user with some fields empty, which are given as a list of their names
create or replace temp macro with_empty_fields(users, emptied) as struct_update(
    users,
    email_verified := users.email_verified and not list_contains(emptied, 'email_verified'),
    phone_verified := users.phone_verified and not list_contains(emptied, 'phone_verified'),
    given_name := case when not list_contains(emptied, 'given_name') then users.given_name end,
    family_name := case when not list_contains(emptied, 'family_name') then users.family_name end,
    name := case when not list_contains(emptied, 'name') then users.name end,
    nickname := case when not list_contains(emptied, 'nickname') then users.nickname end,
    picture := case when not list_contains(emptied, 'picture') then users.picture end,
    blocked := case when not list_contains(emptied, 'blocked') then users.blocked end,
    password_hash := case when not list_has_any(emptied, ['password_hash', 'custom_password_hash']) then users.password_hash end,
    custom_password_hash := case when not list_has_any(emptied, ['password_hash', 'custom_password_hash']) then users.custom_password_hash end,
    app_metadata := case when not list_contains(emptied, 'app_metadata') then users.app_metadata end,
    user_metadata := case when not list_contains(emptied, 'user_metadata') then users.user_metadata end,
    mfa_factors := case when not list_contains(emptied, 'mfa_factors') then users.mfa_factors end,
    middle_name := case when not list_contains(emptied, 'middle_name') then users.middle_name end,
    locale := case when not list_contains(emptied, 'locale') then users.locale end,
    zoneinfo := case when not list_contains(emptied, 'zoneinfo') then users.zoneinfo end,
    birthdate := case when not list_contains(emptied, 'birthdate') then users.birthdate end,
    registered_at := case when not list_contains(emptied, 'registered_at') then users.registered_at end,
    last_login_at := case when not list_contains(emptied, 'last_login_at') then users.last_login_at end,
    roles := case when not list_contains(emptied, 'roles') then users.roles end,
    groups := case when not list_contains(emptied, 'groups') then users.groups end,
    identities := case when not list_contains(emptied, 'identities') then users.identities end,
    source_id := case when not list_contains(emptied, 'source_id') then users.source_id end
);

-- a JSON text whose numbers are strings, if DuckDB would rewrite one (it keeps whole numbers but -0), and back again; the
-- second pattern matches whole strings as well, so that it finds no numbers in them
create or replace temp macro hidden_numbers(json_text) as case
    when regexp_matches(json_text, '[:,\[]\s*(?:-0|-?[0-9]+[.eE])')
        then replace(
            regexp_replace(json_text, '("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)', '\1"\\u0001number \2"', 'g'),
            '"\u0001number "',
            ''
        )
    else json_text
end;

create or replace temp macro shown_numbers(json_text) as case
    when contains(json_text, '"\u0001number ') then regexp_replace(json_text, '"\\u0001number ([^"]+)"', '\1', 'g')
    else json_text
end;

-- a value merged with a patch (RFC 7396: null removes a key, and what is no object is replaced)
create or replace temp macro patched(stored, patch) as shown_numbers(json_merge_patch(
    case when starts_with(ltrim(stored::varchar), '{') then hidden_numbers(stored::varchar) else '{}' end,
    hidden_numbers(patch)
));

-- changes of fields whose JSON texts have hidden numbers
create or replace temp macro hidden_in_changes(changes) as list_transform(changes, lambda change: {
    'field': change.field,
    'old': hidden_numbers(change.old)::json,
    'new': hidden_numbers(change.new)::json
});

-- an object with its members sorted, two levels deep; any other value, and an object with a repeated key, as it is
create or replace temp macro sorted_members(value) as case
    when value[1] = '{'
        then coalesce(to_json(list_sort(map_entries(try_cast(value::json as map(varchar, json)))))::varchar, value)
    else value
end;

create or replace temp macro sorted_object(value) as coalesce(
    to_json(list_sort(list_transform(
        map_entries(try_cast(value::json as map(varchar, json))),
        lambda member: {'key': member.key, 'value': sorted_members(member.value::varchar)}
    )))::varchar,
    value
);

-- the stored object where the given one has the same content in another order, else the given one. Only texts of one length,
-- with as many bits (a tenth of the work of the next test) and the same pieces can be the same. A number that is written in
-- another way is another number
create or replace temp macro unless_reordered(stored, given) as case
    when stored is null or given is null or stored::varchar = given::varchar or strlen(stored) <> strlen(given) then given::varchar
    when bit_count(encode(stored::varchar)::bit) <> bit_count(encode(given::varchar)::bit) then given::varchar
    when list_sort(string_split(translate(stored, '{}[]', ',,,,'), ','))
        <> list_sort(string_split(translate(given, '{}[]', ',,,,'), ',')) then given::varchar
    when sorted_object(hidden_numbers(stored)) = sorted_object(hidden_numbers(given)) then stored::varchar
    else given::varchar
end;

-- a JSON value as text: a string without quotes, anything else as it is written, null as nothing
create or replace temp macro text_of(value) as coalesce(
    case when (value::varchar)[1] = '"' then value ->> '$' else value::varchar end,
    ''
)
