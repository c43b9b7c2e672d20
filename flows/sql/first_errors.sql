-- grain: one row per error or warning about a record of the job, the first $limit: errors before warnings
select source, record, line, key, code, path, message, severity
from import_errors
where job_id = $job_id
order by severity, record, code, path
limit $limit
