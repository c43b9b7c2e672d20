-- grain: one row per job that had a record of the user
-- reads: records_of_user, the user's records by job; parameters: connection, user_ids of the user
select job_id from records_of_user
union
select job_id from all_changes where connection = $connection and list_contains($user_ids::varchar[], user_id)
