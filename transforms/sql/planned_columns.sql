-- grain: one row per record of the job: its plan, values before and after as JSON texts
-- reads: planned_rows
select
    * replace (
        list_transform(changes, lambda change: {
            'field': change.field, 'old': change.old::varchar, 'new': change.new::varchar
        }) as changes
    )
from planned_rows
order by record
