-- grain: one row per record of the job: its plan as one JSON object
-- reads: planned_rows, the macros of temporary_macros.sql
select shown_numbers(to_json(hidden)::varchar) as text
from (select * replace (hidden_in_changes(changes) as changes) from planned_rows) as hidden
order by record
