-- grain: no row: an empty table of jobs whose state is not read from import_jobs
create temp table live_jobs as
select * replace (null::bigint as sequence)
from import_jobs
limit 0
