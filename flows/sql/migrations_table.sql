-- grain: one row, the table of applied migrations; none in a database that is not ours yet
select table_name from duckdb_tables()
where database_name = current_database() and table_name = 'schema_migrations'
