-- grain: one row per refused record, in the order of the job; cells that contain a boolean or JSON become that value if the
-- file to be written can tell it from text
-- reads: reject_texts; parameters: textual (the records are rows of cells), boolean_fields, nested_fields (objects and
-- arrays), list_fields (arrays of texts, which a cell can hold with separators), absent_word, white_space, true_words, false_words, lenient_json (a pattern of what only DuckDB may accept as JSON)
with cells as (
    select
        *,
        -- a record that the plan refused has objects: it was built from fields
        is_readable and $textual and not regexp_matches(text, '[^\\]":[{\[]') as is_of_cells
    from reject_texts
),

read as (
    select
        *,
        list_filter(
            map_entries(text::json::map(varchar, json)),
            lambda member: trim(member.value ->> '$', $white_space) not in ('', $absent_word) or member.key = 'password_hash'
        ) as members
    from cells
    where is_of_cells
)

select * exclude (members, is_of_cells) replace (
    '{' || array_to_string(list_transform(members, lambda member: to_json(member.key) || ':' || case
        when list_contains($boolean_fields, member.key) and list_contains($true_words, lower(trim(member.value ->> '$', $white_space))) then 'true'
        when list_contains($boolean_fields, member.key) and list_contains($false_words, lower(trim(member.value ->> '$', $white_space))) then 'false'
        when
            list_contains($nested_fields, member.key)
            and json_valid(member.value ->> '$')
            and not regexp_matches(member.value ->> '$', $lenient_json)
            then member.value ->> '$'
        when list_contains($list_fields, member.key) and not regexp_matches(member.value ->> '$', '^\s*[\[{]')
            then to_json(list_filter(
                list_transform(
                    string_split(member.value ->> '$', case when contains(member.value ->> '$', ';') then ';' else '|' end),
                    lambda item: trim(item, $white_space)
                ),
                lambda item: item <> ''
            ))::varchar
        else member.value::varchar
    end), ',') || '}' as text
)
from read
union all by name
select * exclude (is_of_cells) from cells
where not coalesce(is_of_cells, false)
