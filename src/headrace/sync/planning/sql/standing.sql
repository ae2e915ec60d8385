-- Marks the rejects that still apply: neither the row nor the neighbours have changed.
update plan.rejects
set stands = true
from plan.around
join (
    from book.fingerprints
    where key in (select (hash(entity, external_id) >> 1)::bigint from plan.rejects)
) as now using (entity, external_id)
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
    from (
        from book.fingerprints
        where key in (select (hash(entity, external_id) >> 1)::bigint from plan.rejects)
    ) as now
    where now.entity = rejects.entity and now.external_id = rejects.external_id
  );

-- A record that is sent again may no longer be what another one was refused for: the rejects that
-- are linked to it are sent again with it. Example: an invoice could not move to its new customer
-- yet, and so neither could the new customer's payment settle it.
update plan.rejects
set stands = false
where not ignored
  and (entity, external_id) in (
    with recursive again as (
        select entity, external_id
        from plan.rejects
        where not stands
        union
        select link.entity, link.external_id
        from again
        join around_links as link
            on link.at_entity = again.entity and link.at_id = again.external_id
    )
    from again
  );
