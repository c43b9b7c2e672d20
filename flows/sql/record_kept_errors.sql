-- grain: one row per user that an undo keeps and reason
insert into import_errors by name
select $job_id as job_id, record, user_id as key, code, path, message, 'error' as severity
from kept_users
order by record, code
