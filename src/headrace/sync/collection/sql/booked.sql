-- New payments and refunds of the source that may be collected money: those of families with
-- collected records, and those whose reference contains the id of one. Synthetic payments are
-- excluded. Withheld records and those outside the scope are included, because they may be the
-- booking too. Needs `collected_money` (entity, id, customer).
with recent as (
    select entity, external_id
    from plan.differences
    where action = 'create' and entity in ('payment', 'refund')
),
documents as (
    select
        'payment' as entity, external_id, customer_external_id as customer, currency, amount,
        validated_at, instrument, ref_number, origin
    from book.all_payments
    union all
    select
        'refund', external_id, customer_external_id, currency, amount, validated_at, instrument,
        ref_number, origin
    from book.all_refunds
),
families as (
    select distinct money.entity, coalesce(roots.root, money.customer) as family
    from collected_money as money
    left join book.roots as roots on roots.external_id = money.customer
),
settled as (
    select
        from_entity as entity,
        from_external_id as external_id,
        list(distinct [to_entity, to_external_id]) as links
    from book.links
    semi join recent
        on recent.entity = links.from_entity and recent.external_id = links.from_external_id
    group by all
)
select
    document.entity,
    document.external_id,
    document.customer,
    coalesce(roots.root, document.customer) as family,
    document.currency,
    document.amount,
    document.validated_at::date as day,
    coalesce(document.instrument, '') as instrument,
    coalesce(document.ref_number, '') as reference,
    document.origin,
    coalesce(settled.links, []) as links
from documents as document
semi join recent using (entity, external_id)
left join book.roots as roots on roots.external_id = document.customer
left join settled using (entity, external_id)
where document.origin in ('payment', 'refund', 'adjustment')
  and document.amount is not null
  and document.validated_at is not null
  and (
      (document.entity, coalesce(roots.root, document.customer)) in (
          select (entity, family) from families
      )
      or (document.entity, lower(regexp_extract(document.ref_number, '[0-9a-fA-F-]{36}'))) in (
          select (entity, lower(id)) from collected_money
      )
  )
order by document.entity, document.external_id;
