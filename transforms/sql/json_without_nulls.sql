-- grain: one row per text; value: the object without its null members, at every depth outside arrays
-- reads: json_texts (text: a JSON object; other columns are kept)
select * exclude (text), json_merge_patch('{}', text) as value
from json_texts
