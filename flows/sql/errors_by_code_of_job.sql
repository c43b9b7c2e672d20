-- grain: one row per severity, code and path of the job, most frequent first
select severity, code, path, errors, first_record, first_line, first_source, first_key, example
from errors_by_code
where job_id = $job_id
order by severity, errors desc, code, path
