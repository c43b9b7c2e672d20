-- grain: one row per record of the job, in order: its outcome, the existing user it matches and by which keys, for an update
-- the fields that change (secrets only as changed), for a refused record its codes
-- reads: plan, updates, job_refused, job_errors; parameters: after and upto, the records before the first and at the end
with codes as (
    select record, list(distinct code::varchar order by code::varchar) as codes
    from job_errors
    where severity = 'error'
    group by record
),

outcomes as (
    select record, line, outcome, user_id, matched_by
    from plan
    where record > $after and record <= $upto
    union all
    select record, line, 'refused' as outcome, null as user_id, null as matched_by
    from job_refused
    anti join plan using (record)
    where record > $after and record <= $upto
),

changed as (
    select record, user_diff(before, updates) as changes
    from updates
    where is_changed
)

select
    outcomes.record,
    outcomes.line,
    outcomes.outcome,
    outcomes.user_id,
    outcomes.matched_by,
    coalesce(changed.changes, []) as changes,
    coalesce(codes.codes, []) as codes
from outcomes
left join changed on outcomes.record = changed.record
left join codes on outcomes.record = codes.record
order by outcomes.record
