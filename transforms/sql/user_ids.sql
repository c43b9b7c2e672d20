-- grain: one row per record of the job that is a user now, in order: its file, the id that the user had there (source_id, else
-- user_id) and the one that it has here
-- reads: plan, staged, job_files (source, first_record)
select
    plan.record,
    plan.line,
    job_files.source,
    coalesce(staged.source_id, staged.user_id) as source_id,
    plan.user_id,
    plan.outcome
from plan
inner join staged on plan.record = staged.record
asof left join job_files on plan.record >= job_files.first_record
where plan.outcome <> 'refused'
order by plan.record
