-- Links to records that the API refused to create: such a record can't be settled.
insert into book.waiting_links
select distinct
    link.from_entity, link.from_external_id, link.to_entity, link.to_external_id,
    'its ' || replace(link.to_entity, '_', ' ') || ' ' || link.to_external_id || ' was refused'
from (
    from book.links where to_external_id in (select external_id from plan.rejects)
) as link
join plan.rejects as reject
    on reject.entity = link.to_entity and reject.external_id = link.to_external_id
anti join (
    from staging.acknowledged
    where key in (select (hash(entity, external_id) >> 1)::bigint from plan.rejects)
) as acknowledged
    on acknowledged.entity = link.to_entity and acknowledged.external_id = link.to_external_id
where reject.stands
  and link.from_external_id not in (select external_id from book.fixes)
  and link.from_external_id not in (select external_id from book.settled);
