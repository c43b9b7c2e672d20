-- grain: one row per text; typed: a struct of the values at the keys of $structure, converted to its types: leniently, so
-- whether the text has these values and nothing else is to be proven
-- reads: json_texts (text: any JSON; other columns are kept); $structure: key → type, as JSON
select * exclude (text), from_json(text, $structure) as typed
from json_texts
