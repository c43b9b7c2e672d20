-- grain: one row per fault or warning of a record; unsorted: they are staged by record, and every reader has its order
insert into import_errors by name
select $job_id as job_id, record, line, code, path, message, severity
from job_errors
