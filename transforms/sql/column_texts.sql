-- grain: one row per record: the JSON text of each column's value, null members included
-- reads: typed_columns (record, and the columns)
select record, cast(to_json(columns(* exclude (record))) as varchar)
from typed_columns
