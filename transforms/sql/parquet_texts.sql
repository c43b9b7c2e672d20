-- grain: one row per record: its columns as the text of one JSON object, null members included
-- reads: parquet_records (record; cells: a struct of the columns)
select record, cast(to_json(cells) as varchar) as text
from parquet_records
