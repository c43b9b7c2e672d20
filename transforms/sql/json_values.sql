-- grain: one row per text; found: the JSON text of each path's value, null where the text has none;
--        unknown_keys: the keys of each object of $objects, where these are more than values were found (or $every), else null
-- reads: json_texts (text: strict JSON; other columns are kept); $paths, $objects: JSON paths; $every
with read as (
    select * exclude (text), json_extract(text, $paths) as found, json_keys(text, $objects) as keys
    from json_texts
)

select * exclude (keys), case when $every or len(flatten(keys)) > list_count(found) then keys end as unknown_keys
from read
