-- grain: one row per error about one of a range of records of the job: those after $after, up to $upto; no warnings
select source, record, line, key, code, path, message, severity
from import_errors
where job_id = $job_id and record > $after and record <= $upto and severity = 'error'
order by record, code, path
