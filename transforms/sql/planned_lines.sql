-- grain: one row per record of the job: its plan as one JSON object
-- reads: planned_rows
select to_json(planned_rows)::varchar as text
from planned_rows
order by record
