-- grain: one row per user and job that changed it, oldest first: the row before, without its secrets
create view user_history as
select
    user_changes.connection,
    user_changes.user_id,
    user_changes.changed_at,
    user_changes.action,
    user_changes.job_id,
    import_jobs.kind,
    import_jobs.external_id,
    row_before.email as email_before,
    row_before.username as username_before,
    row_before.name as name_before,
    row_before.given_name as given_name_before,
    row_before.family_name as family_name_before,
    row_before.nickname as nickname_before,
    row_before.picture as picture_before,
    row_before.phone_number as phone_number_before,
    row_before.email_verified as email_verified_before,
    row_before.phone_verified as phone_verified_before,
    row_before.blocked as blocked_before,
    row_before.app_metadata as app_metadata_before,
    row_before.user_metadata as user_metadata_before,
    row_before.updated_at as updated_at_before
from user_changes
left join import_jobs on user_changes.job_id = import_jobs.job_id
