-- comments on the table schema_migrations and its columns
comment on table schema_migrations is 'Migrations that were applied to this database, one row each';
comment on column schema_migrations.version is 'Number of the migration; migrations are applied in this order';
comment on column schema_migrations.name is 'File name of the migration without its ending';
comment on column schema_migrations.applied_at is 'When the migration was applied'
