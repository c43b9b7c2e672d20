-- grain: one row per error whose message contains the user; parameters: pattern (a regular expression)
update import_errors
set message = 'erased with the user that it named'
where regexp_matches(message, $pattern)
