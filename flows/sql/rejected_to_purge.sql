-- grain: one row, how many refused records of the jobs are kept
select count(*) from rejected_users where list_contains($jobs::varchar[], job_id)
