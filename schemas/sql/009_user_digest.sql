-- a digest of a whole row of users: every later edit, by a job or by hand, changes the digest, and restoring the row
-- restores it. DuckDB's own hash costs a fifth of a cryptographic one; a job keeps the digest of a known row,
-- digest_probe, by which an undo detects a DuckDB version that computes it differently
create macro user_digest(u) as hash(
    u.user_id,
    u.email,
    u.email_folded,
    u.username,
    u.username_folded,
    u.phone_number,
    u.email_verified,
    u.phone_verified,
    u.given_name,
    u.family_name,
    u.name,
    u.nickname,
    u.picture,
    u.blocked,
    u.password_hash,
    u.custom_password_hash,
    u.app_metadata,
    u.user_metadata,
    u.mfa_factors,
    u.password_reset_required,
    u.created_at,
    u.updated_at,
    u.created_by_job,
    u.updated_by_job
)
