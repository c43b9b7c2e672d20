-- grain: one row per text; value: the text as compact JSON, null where it is not JSON
-- reads: json_texts (text: any text; other columns are kept)
select * exclude (text), case when json_valid(text) then json_extract(text, '$') end as value
from json_texts
