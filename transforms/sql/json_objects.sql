-- grain: one row per text that is a JSON object; object: the text
-- reads: json_texts (text: any text, or null; other columns are kept)
select * exclude (text), text as object
from json_texts
where case when json_valid(text) then json_type(text) = 'OBJECT' else false end
