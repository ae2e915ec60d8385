-- Marks the rejects that still apply: neither the row nor the neighbours have changed.
update plan.rejects
set stands = true
from plan.around
join book.fingerprints as now using (entity, external_id)
where around.entity = rejects.entity
  and around.external_id = rejects.external_id
  and now.fingerprint is not distinct from rejects.fingerprint
  and (rejects.ignored or around.mark is not distinct from rejects.around);

-- A rejected deletion has no row, so only the neighbours decide.
update plan.rejects
set stands = true
from plan.around
where around.entity = rejects.entity
  and around.external_id = rejects.external_id
  and rejects.fingerprint is null
  and (rejects.ignored or around.mark is not distinct from rejects.around)
  and not exists (
    from book.fingerprints as now
    where now.entity = rejects.entity and now.external_id = rejects.external_id
  );
