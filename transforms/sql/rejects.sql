-- grain: one row per refused record, in the order of the job; cells that contain a boolean or JSON become that value if the
-- file to be written can tell it from text
-- reads: reject_texts; parameters: textual (the records are rows of cells), boolean_fields, nested_fields (objects and
-- arrays), absent_word, true_words, false_words, lenient_json (a pattern of what only DuckDB may accept as JSON)
with read as (
    select
        *,
        list_filter(list_transform(json_keys(text), lambda key: {
            'key': key,
            'value': json_extract(text, '/' || replace(replace(key, '~', '~0'), '/', '~1')),
            'cell': json_extract_string(text, '/' || replace(replace(key, '~', '~0'), '/', '~1'))
        }), lambda member: member.cell is distinct from $absent_word) as members
    from reject_texts
    where is_readable and $textual
)

select * exclude (members) replace (
    '{' || array_to_string(list_transform(members, lambda member: to_json(member.key) || ':' || case
        when list_contains($boolean_fields, member.key) and list_contains($true_words, lower(trim(member.cell))) then 'true'
        when list_contains($boolean_fields, member.key) and list_contains($false_words, lower(trim(member.cell))) then 'false'
        when
            list_contains($nested_fields, member.key)
            and json_valid(member.cell)
            and not regexp_matches(member.cell, $lenient_json)
            then json_extract(member.cell, '$')::varchar
        else member.value::varchar
    end), ',') || '}' as text
)
from read
union all by name
select * from reject_texts
where not (is_readable and $textual)
