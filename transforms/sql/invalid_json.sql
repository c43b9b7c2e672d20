-- grain: one row per text that is no JSON, even by the engine's lenient reading (trailing commas, NaN and 1e999 pass)
-- reads: record_texts (record, text)
select record
from record_texts
where not json_valid(text)
