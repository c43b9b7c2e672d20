-- grain: one row per text that is not JSON even for DuckDB's lenient parser, which accepts trailing commas, NaN and 1e999
-- reads: record_texts (record, text)
select record
from record_texts
where not json_valid(text)
