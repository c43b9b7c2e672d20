-- grain: one row per job of the connection
select job_id, external_id, sources, files, fault_message
from import_jobs
where connection = $connection
