-- grain: one row per job that a text names, newest first: by its id, else by the id of a repeat, by an external id, as the
-- last job, or by the beginning of its id
-- reads: every_job; an undo has the external id of the job that it undid, but is not meant by it
with newest as (
    select job_id from every_job order by sequence desc nulls first, created_at desc limit 1
),

ways as (
    select
        job_id,
        case
            when job_id = $name then 1
            when list_contains(repeated_by, $name) then 2
            when kind <> 'undo' and (external_id = $name or list_contains(other_external_ids, $name)) then 3
            when $name = 'last' and job_id = (select job_id from newest) then 4
            when length($name) >= 6 and starts_with(job_id, lower($name)) then 5
        end as way
    from every_job
)

select *
from every_job
where job_id in (select job_id from ways where way = (select min(way) from ways))
order by sequence desc nulls first, created_at desc
