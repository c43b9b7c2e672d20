-- grain: one row per job, newest first
select * from import_jobs
where $connection is null or connection = $connection
order by created_at desc
limit $limit
