-- grain: one row per text that is JSON; found: the JSON text of each path's value, null where the text has none;
--        keys: the keys of the object, where these are more than the values found, else null
-- reads: json_texts (text: an object, if it is JSON at all; other columns are kept); $paths: JSON paths
with read as (
    select * exclude (text), json_extract(text, $paths) as found, json_keys(text) as keys
    from json_texts
    where json_valid(text)
)

select * exclude (keys), case when len(keys) > list_count(found) then keys end as keys
from read
