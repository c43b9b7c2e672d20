-- grain: one row per error or warning about a record of the job, those of a page, by record; $code is null for any
select source, record, line, key, code, path, message, severity
from import_errors
where job_id = $job_id and ($code is null or code = $code)
order by record, severity, code, path
limit $limit
offset $offset
