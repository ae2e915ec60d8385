-- An external id names one record of its entity; two would overwrite each other
-- (docs/api-evidence.md, Upsert).
-- Numbers tell first whether any id stands twice.
-- By record.
with ids as (
    select 'customer' as entity, external_id from book.customers
    union all /* with: contacts */
    select 'contact', id from book.own_contacts
    union all
    select 'invoice', external_id from book.invoices
    union all /* with: credit_notes */
    select 'credit_note', external_id from book.credit_notes
    union all
    select 'payment', external_id from book.all_payments
    union all /* with: refunds, adjustments */
    select 'refund', external_id from book.all_refunds
    union all /* with: documents */
    select entity || '_pdf', external_id
    from book.documents
    where entity in ('invoice', 'credit_note')
),
doubled as (
    select hash(entity, external_id) as key
    from ids
    where external_id is not null /* narrowed: external_id */
    group by key
    having count(*) > 1
)
select
    'error',
    entity,
    external_id,
    'stands ' || count(*) || ' times in the table ' || case
        when entity like '%\_pdf' escape '\' then 'documents'
        else entity || 's (adjustments included)'
    end,
    'make external_id unique in the model: use the source''s primary key'
from ids
semi join doubled on doubled.key = hash(entity, external_id)
where external_id is not null /* narrowed: external_id */
group by entity, external_id
having count(*) > 1;
