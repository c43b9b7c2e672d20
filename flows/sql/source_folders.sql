-- grain: one row per folder that a job read files from, as it was named
select distinct regexp_replace(name, '/*[^/]*$', '') as folder
from (select unnest(list_concat(coalesce(files, []), sources)) as name from import_jobs where kind = 'import')
where contains(name, '/')
order by folder
