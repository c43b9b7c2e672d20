-- grain: one row per text that is JSON; found: the JSON text of each path's value, null where the text has none;
--        odd_keys: the keys of the object that are not in $known
-- reads: json_texts (text: an object, if it is JSON at all; other columns are kept); $paths: JSON paths; $known
select
    * exclude (text),
    json_extract(text, $paths) as found,
    list_filter(json_keys(text), lambda key: not list_contains($known, key)) as odd_keys
from json_texts
where json_valid(text)
