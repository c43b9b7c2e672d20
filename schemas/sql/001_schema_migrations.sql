-- grain: one row per applied migration
create table if not exists schema_migrations (
    version integer not null,
    name varchar not null,
    applied_at timestamptz not null default current_timestamp
)
