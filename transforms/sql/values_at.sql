-- grain: one row per text; found: the JSON text at each path, null where the text has none; rest: the object without the
--        members of $used, which may be nested, and without members that are null or empty, as are objects around nothing
-- reads: json_texts (text: a JSON object; other columns are kept); $paths: DuckDB paths; $used: a JSON merge patch
with read as (
    select * exclude (text), json_extract(text, $paths)::varchar[] as found, json_merge_patch(text, $used) as kept
    from json_texts
),

named as (
    select *, json_keys(kept) as names
    from read
),

judged as (
    select
        * exclude (names),
        list_filter(
            names,
            lambda name:
                regexp_matches(
                    json_extract(kept, '/' || replace(replace(name, '~', '~0'), '/', '~1')),
                    '^(?:null|""|\[\]|(?:\{"(?:[^"\\]|\\.)*":)*\{\}+)$'
                )
        ) as empty
    from named
)

select
    * exclude (kept, empty),
    case
        when len(empty) = 0 then kept
        else
            json_merge_patch(
                kept, '{' || list_aggregate(list_transform(empty, lambda name: to_json(name) || ':null'), 'string_agg', ',') || '}'
            )
    end::varchar as rest
from judged
