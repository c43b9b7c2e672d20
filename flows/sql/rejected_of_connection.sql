-- grain: one row per refused record of the connection, and per key of another record with a warning
with jobs as (
    select job_id from import_jobs where connection = $connection
)

select job_id, record, "user"::varchar as text
from rejected_users
where job_id in (from jobs)
union all
select distinct job_id, record, json_object('email', key, 'username', key, 'user_id', key)::varchar as text
from import_errors
anti join rejected_users using (job_id, record)
where key is not null and job_id in (from jobs)
