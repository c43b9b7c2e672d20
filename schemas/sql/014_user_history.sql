-- grain: one row per user and job that changed it: which fields, from what to what (secrets only as changed), and whether
-- the user was edited by hand afterwards; then the row before, without its secrets
create view user_history as
with steps as (
    select
        all_changes.*,
        import_jobs.kind,
        import_jobs.external_id,
        lead(all_changes.job_id) over user_steps as next_job_id,
        lead(all_changes.row_before) over user_steps as next_row_before
    from all_changes
    left join import_jobs on all_changes.job_id = import_jobs.job_id
    window user_steps as (partition by all_changes.connection, all_changes.user_id order by import_jobs.end_sequence)
),

outcomes as (
    select
        steps.*,
        case
            when steps.next_job_id is not null then steps.next_row_before
            when users.user_id is not null then users
        end as row_after
    from steps
    left join users on steps.connection = users.connection and steps.user_id = users.user_id
)

select
    outcomes.connection,
    outcomes.user_id,
    outcomes.changed_at,
    outcomes.action,
    outcomes.job_id,
    outcomes.kind,
    outcomes.external_id,
    user_diff(outcomes.row_before, outcomes.row_after) as changes,
    case when outcomes.row_after is not null then user_digest(outcomes.row_after) end is distinct from outcomes.digest_after
        as is_edited_since,
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
    row_before.middle_name as middle_name_before,
    row_before.locale as locale_before,
    row_before.zoneinfo as zoneinfo_before,
    row_before.birthdate as birthdate_before,
    row_before.registered_at as registered_at_before,
    row_before.last_login_at as last_login_at_before,
    row_before.roles as roles_before,
    row_before.groups as groups_before,
    row_before.identities as identities_before,
    row_before.source_id as source_id_before,
    row_before.updated_at as updated_at_before
from outcomes
