-- grain: the newest job that has carried out the plan of a dry run and was not undone
select job_id
from import_jobs
where applies_job = $applies and status in ('completed', 'completed_with_errors') and undone_by_job is null
order by sequence desc
limit 1
