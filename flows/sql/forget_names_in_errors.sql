-- grain: one row per error about another user whose message names a forgotten user by its user_id; parameters: pattern
-- (a regular expression), codes, erased (what replaces the user_id)
update import_errors
set message = regexp_replace(message, $pattern, '\1' || $erased || '\2', 'g')
where
    list_contains($codes::varchar[], code)
    and regexp_matches(message, $pattern)
    and job_id in (select job_id from import_jobs where connection = $connection)
