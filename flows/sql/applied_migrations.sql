-- grain: one row per applied migration
select version from schema_migrations
