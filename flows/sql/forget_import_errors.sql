-- grain: one row per fault whose sentence names the user
update import_errors
set message = 'erased with the user that it named'
where regexp_matches(message, $pattern)
