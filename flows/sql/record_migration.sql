-- grain: one row; parameters: version, name
insert into schema_migrations (version, name) values ($version, $name)
