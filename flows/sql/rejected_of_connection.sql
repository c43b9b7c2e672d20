-- grain: one row per refused record of the connection
select job_id, record, "user"::varchar as text
from rejected_users
where job_id in (select job_id from import_jobs where connection = $connection)
