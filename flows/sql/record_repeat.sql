-- grain: one row, an earlier job with the names of a later one that would have repeated it
update import_jobs
set
    repeated_by = list_distinct(list_append(repeated_by, $job_id)),
    other_external_ids = case
        when $external_id is null or $external_id = external_id or list_contains(other_external_ids, $external_id)
            then other_external_ids
        else list_append(other_external_ids, $external_id)
    end
where job_id = $earlier
