-- grain: one row: whether the rows that were removed from a table take half as much space in it as those that it has (that
-- is when three row groups fit into two) in one of more than a row group; true also for every sixteenth job, since each
-- can leave row groups that are nearly empty, whose number takes half a second to find
-- reads: the tables that grow
with kept as (
    select 'users' as table_name, count(*) as row_count from users
    union all
    select 'user_changes' as table_name, count(*) as row_count from user_changes
    union all
    select 'import_errors' as table_name, count(*) as row_count from import_errors
    union all
    select 'rejected_users' as table_name, count(*) as row_count from rejected_users
),

gaps as (
    select kept.table_name
    from kept
    inner join duckdb_tables() as stored on kept.table_name = stored.table_name and stored.database_name = current_database()
    where stored.estimated_size > greatest(1.5 * kept.row_count, 122880)
)

select exists(from gaps) or (select max(sequence) % 16 = 0 from import_jobs) as needs_vacuum
