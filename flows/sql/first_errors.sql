-- grain: one row per error or warning about a record of the job, the first $limit
select source, record, line, key, code, path, message, severity
from import_errors
where job_id = $job_id
order by record, severity, code, path
limit $limit
