-- grain: one row per job whose data was purged
update import_jobs
set
    purged_at = now(),
    fault_hint = case
        when fault_code = 'NOTHING_ACCEPTED' then 'the refused rows were purged: correct the source and import it again'
        else fault_hint
    end
where list_contains($jobs::varchar[], job_id) and purged_at is null
