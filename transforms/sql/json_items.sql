-- grain: one row per text; items: the JSON text of each item
-- reads: json_texts (text: a JSON array; other columns are kept)
select * exclude (text), json_extract(text, '$[*]') as items
from json_texts
