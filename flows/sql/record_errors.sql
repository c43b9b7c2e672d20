-- grain: one row per error or warning of a record; unsorted, because they are staged by record and every query sorts
insert into import_errors by name
select $job_id as job_id, record, line, code, path, message, severity
from job_errors
