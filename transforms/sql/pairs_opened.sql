-- grain: one row per text; value: the object, its array at $path as an object with a member for each item, named by the
--        item's $name with the item's $value; $before and $after are the JSON around it in a merge patch
-- reads: json_texts (text: a JSON object; other columns are kept); $path, $name, $value: DuckDB paths; $before, $after
with read as (
    select
        * exclude (text),
        text as object,
        list_filter(json_extract(text, $path), lambda item: json_extract_string(item, $name) is not null) as items
    from json_texts
)

select
    * exclude (object, items),
    case
        when len(items) = 0 then object
        else
            json_merge_patch(
                object,
                $before || '{' || list_aggregate(
                    list_transform(
                        items,
                        lambda item:
                            to_json(json_extract_string(item, $name)) || ':' || coalesce(json_extract(item, $value), 'null')
                    ),
                    'string_agg',
                    ','
                ) || '}' || $after
            )
    end::varchar as value
from read
