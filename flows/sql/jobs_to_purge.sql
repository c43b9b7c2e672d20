-- grain: one row per job that ended before a time and is not purged; parameters: before
select job_id
from import_jobs
where finished_at < $before::timestamptz and purged_at is null
order by finished_at
