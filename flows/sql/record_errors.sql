-- grain: one row per fault or warning of a record
insert into import_errors by name
select $job_id as job_id, record, line, code, path, message, severity
from job_errors
order by record, code, path
