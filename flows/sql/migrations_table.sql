-- grain: one row, the table of applied migrations; no row in a new database
select table_name from duckdb_tables()
where database_name = current_database() and table_name = 'schema_migrations'
