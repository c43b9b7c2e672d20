-- grain: one row per text that is JSON; found: the JSON text of each path's value, null where the text has none;
--        unknown_keys: the keys of the object that are not in $known, null where the object has no more keys
--        than values were found
-- reads: json_texts (text: an object, if it is JSON at all; other columns are kept); $paths: JSON paths; $known
with read as (
    select * exclude (text), json_extract(text, $paths) as found, json_keys(text) as keys
    from json_texts
    where json_valid(text)
)

select
    * exclude (keys),
    case when len(keys) > list_count(found) then list_filter(keys, lambda key: not list_contains($known, key)) end as unknown_keys
from read
