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

-- a JSON text with all its numbers as strings, so that DuckDB keeps how they are written, and back again; the first pattern
-- matches whole strings as well, so that it does not find numbers in them
create or replace temp macro hidden_numbers(json_text) as replace(
    regexp_replace(json_text, '("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)', '\1"\\u0001number \2"', 'g'),
    '"\u0001number "',
    ''
);

create or replace temp macro shown_numbers(json_text) as regexp_replace(json_text, '"\\u0001number ([^"]+)"', '\1', 'g');

-- an object merged with a patch (RFC 7396: null removes a key); DuckDB would rewrite numbers that are not whole, and -0
create or replace temp macro patched(stored, patch) as case
    when regexp_matches(concat(stored, patch), '[:,\[]\s*(?:-0|-?[0-9]+[.eE])')
        then shown_numbers(json_merge_patch(hidden_numbers(stored), hidden_numbers(patch)))
    else json_merge_patch(stored, patch)
end;

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

-- the stored object where the given one has the same content in another order, else the given one: only texts of one length
-- that fall into the same pieces can be the same. A number that is written in another way is another number
create or replace temp macro unless_reordered(stored, given) as case
    when stored is null or stored::varchar = given::varchar or strlen(stored) <> strlen(given) then given::varchar
    when list_sort(string_split(translate(stored, '{}[]', ',,,,'), ','))
        <> list_sort(string_split(translate(given, '{}[]', ',,,,'), ',')) then given::varchar
    when sorted_object(hidden_numbers(stored)) = sorted_object(hidden_numbers(given)) then stored::varchar
    else given::varchar
end;
