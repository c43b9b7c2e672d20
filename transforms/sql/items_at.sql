-- grain: one row per text; items: the JSON text at $inside of every value at $path, of those whose member at $key is
--        $value if there is a $key; without those that lack it or are null
-- reads: json_texts (text: a JSON object; other columns are kept); $path, $inside, $key: DuckDB paths; $value
with read as (
    select * exclude (text), json_extract(text, $path) as found
    from json_texts
)

select
    * exclude (found),
    list_filter(
        list_transform(
            list_filter(found, lambda item: $key = '' or json_extract_string(item, $key) = $value),
            lambda item: json_extract(item, $inside)
        ),
        lambda item: item != 'null'
    )::varchar[] as items
from read
