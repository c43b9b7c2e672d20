-- grain: one row per job of the connection
select job_id, external_id, other_external_ids, sources, files, fault_message
from import_jobs
where connection = $connection
