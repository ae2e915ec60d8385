-- An allocation goes from a payment or credit note to an invoice, or from a refund to a payment or
-- credit note; it carries money, between documents that exist, in one currency.
select
    'error',
    coalesce(allocation.from_entity, 'allocation'),
    coalesce(allocation.from_external_id, '?'),
    case
        when not (
            (allocation.from_entity in ('payment', 'credit_note') and allocation.to_entity = 'invoice')
            or (allocation.from_entity = 'refund' and allocation.to_entity in ('payment', 'credit_note'))
        ) then 'is allocated from ' || allocation.from_entity || ' to ' || allocation.to_entity
        when source.external_id is null
            then 'has allocations but is not in the table ' || allocation.from_entity || 's'
        when target.external_id is null
            then 'is allocated to ' || allocation.to_entity || ' ' || allocation.to_external_id
                || ', which is not there'
        when allocation.amount <= 0
            then 'has an allocation of ' || allocation.amount || ' to ' || allocation.to_external_id
        else 'is in ' || source.currency || ' and allocated to ' || allocation.to_entity || ' '
            || allocation.to_external_id || ' in ' || target.currency
    end,
    case
        when allocation.amount <= 0 then 'allocate more than nothing, or leave the row out'
        when source.currency <> target.currency then 'allocate within one currency'
        else 'correct models/allocations.sql or the source'
    end
from book.examined_allocations as allocation
left join book.examined_documents as source
    on source.entity = allocation.from_entity and source.external_id = allocation.from_external_id
left join book.examined_documents as target
    on target.entity = allocation.to_entity and target.external_id = allocation.to_external_id
where source.external_id is null
   or target.external_id is null
   or source.currency <> target.currency
   or allocation.amount <= 0
   or not (
        (allocation.from_entity in ('payment', 'credit_note') and allocation.to_entity = 'invoice')
        or (allocation.from_entity = 'refund' and allocation.to_entity in ('payment', 'credit_note'))
   );
