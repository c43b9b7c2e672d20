-- grain: one row per migration; parameters: versions, names
insert into schema_migrations (version, name)
select unnest($versions), unnest($names)
