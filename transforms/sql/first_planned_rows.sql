-- grain: one row per record of the job, the first $rows: its outcome, the user it matches and by which keys, the names of
-- the fields that an update changes, for a refused record its codes; no values
-- reads: plan, updates, job_refused, job_errors
with planned as (
    select record, line, outcome, user_id, matched_by
    from plan
    order by record
    limit $rows
),

refused as (
    select record, line, 'refused' as outcome, null as user_id, null as matched_by
    from job_refused
    order by record
    limit $rows
),

first_rows as (
    from planned
    union all by name
    from (from refused anti join planned using (record))
    order by record
    limit $rows
),

codes as (
    select record, string_agg(distinct code::varchar, ', ' order by code::varchar) as codes
    from job_errors
    semi join first_rows using (record)
    where severity = 'error'
    group by record
),

changed as (
    select record, list_transform(user_diff(before, updates), lambda change: change.field) as fields
    from updates
    semi join first_rows using (record)
    where is_changed
)

select
    first_rows.record,
    first_rows.line,
    first_rows.outcome,
    coalesce(array_to_string(changed.fields, ', '), '') as changes,
    coalesce(codes.codes, '') as codes,
    first_rows.user_id,
    coalesce(first_rows.matched_by, '') as matched_by
from first_rows
left join changed on first_rows.record = changed.record
left join codes on first_rows.record = codes.record
order by first_rows.record
