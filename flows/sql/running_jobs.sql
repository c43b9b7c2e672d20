-- grain: one row per job that has not ended
select * from import_jobs where status in ('pending', 'loading', 'ready', 'importing')
