-- grain: one row per job that passes the filters, newest first
-- reads: every_job; parameters: statuses, connection, since, external_id, file (a path, a name or a pattern of either) and
-- absolute_file (the path of it),
-- each empty or null for any, and limit
select *
from every_job
where
    (len($statuses::varchar[]) = 0 or list_contains($statuses::varchar[], status))
    and ($connection is null or connection = $connection)
    and ($since is null or created_at >= $since::timestamptz)
    and ($external_id is null or external_id = $external_id or list_contains(other_external_ids, $external_id))
    and (
        $file is null
        or len(
            list_filter(
                list_concat(sources, files),
                lambda path: $file in (path, parse_filename(path)) or path = $absolute_file or path glob $file or parse_filename(path) glob $file
            )
        ) > 0
    )
order by sequence desc nulls first, created_at desc
limit $limit
