-- grain: one row per text; found: the JSON text at each path, null where the text has none; rest: the object without the
--        members of $used, without the objects of $emptied that have no member left, and without members that are null
--        or empty
-- reads: json_texts (text: a JSON object; other columns are kept); $paths: DuckDB paths; $used: a JSON merge patch;
--        $emptied: from the innermost, the path of an object, U+001F and the merge patch that removes it
with read as (
    select
        * exclude (text),
        json_extract(text, $paths)::varchar[] as found,
        list_reduce(
            $emptied::varchar[],
            lambda kept, step:
                case
                    when json_extract(kept, split_part(step, chr(31), 1)) = '{}'
                        then json_merge_patch(kept, split_part(step, chr(31), 2))::varchar
                    else kept
                end,
            json_merge_patch(text, $used)::varchar
        ) as kept
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
                json_extract(kept, '/' || replace(replace(name, '~', '~0'), '/', '~1')) in ('null', '""', '{}', '[]')
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
