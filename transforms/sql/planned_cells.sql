-- grain: one row per record of the job: its plan as text in cells
-- reads: planned_rows, the macros of temporary_macros.sql
select
    record,
    line,
    outcome,
    user_id,
    matched_by,
    array_to_string(
        list_transform(changes, lambda change: change.field || ': ' || case
            when '"*****"' in (change.old::varchar, change.new::varchar) then 'changed'
            else text_of(change.old) || ' → ' || text_of(change.new)
        end),
        '; '
    ) as changes,
    array_to_string(codes, '; ') as codes
from planned_rows
order by record
