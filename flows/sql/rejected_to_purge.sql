-- grain: one row, the number of refused records of the jobs
select count(*) from rejected_users where list_contains($jobs::varchar[], job_id)
