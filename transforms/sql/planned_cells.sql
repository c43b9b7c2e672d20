-- grain: one row per record of the job: its plan as text in cells
-- reads: planned_rows
select
    record,
    line,
    outcome,
    user_id,
    matched_by,
    array_to_string(
        list_transform(changes, lambda change: change.field || ': ' || case
            when '"*****"' in (change.old::varchar, change.new::varchar) then 'changed'
            else coalesce(change.old ->> '$', '') || ' → ' || coalesce(change.new ->> '$', '')
        end),
        '; '
    ) as changes,
    array_to_string(codes, '; ') as codes
from planned_rows
order by record
