-- The fingerprint only picks candidates: a payload's own hash decides whether it is sent, so this
-- one may change with the engine's version at the price of comparing more payloads. Names in braces
-- stand for the columns that travel, by the rows of `model/fields.py`.
with contact_marks as (
    select customer_external_id, sum(hash({contact})) as mark
    from book.sent_contacts
    group by customer_external_id
),
customer as (
    select
        customer.external_id,
        xor(
            hash({customer}, contact_marks.mark, custom_fields, if(
                custom_fields is null,
                null,
                -- Ids and types of fields are part of what is sent.
                (select sum(hash(fields)) from book.fields as fields)
            )),
            -- To say nothing of the parent is not to say that there is none. The last bit of a mark
            -- is lost below.
            if(customer.external_id in (from book.unsaid_parents), 2, 0)::ubigint
        ) as mark
    from book.sent_customers as customer
    left join contact_marks on contact_marks.customer_external_id = customer.external_id
),
invoice as (
    select external_id, hash({invoice}) as mark
    from book.invoices
),
credit_note as (
    select record.external_id, hash({credit_note}, allocations.mark) as mark
    from book.credit_notes as record
    left join book.allocation_marks as allocations
        on allocations.key = hash('credit_note', record.external_id)
),
payment as (
    select record.external_id, hash({payment}, allocations.mark) as mark
    from book.all_payments as record
    left join book.allocation_marks as allocations
        on allocations.key = hash('payment', record.external_id)
),
refund as (
    select record.external_id, hash({refund}, allocations.mark) as mark
    from book.all_refunds as record
    left join book.allocation_marks as allocations
        on allocations.key = hash('refund', record.external_id)
),
pdf as (
    select
        entity || '_pdf' as entity,
        external_id,
        hash(coalesce(etag, content::varchar, files.mark, documents.location)) as mark
    from book.documents as documents
    left join book.files as files using (location)
    where entity in ('invoice', 'credit_note')
),
contact as (
    select id as external_id, hash({contact}) as mark
    from book.sent_own_contacts
),
everything as (
    select 'customer' as entity, * from customer
    union all /* with: contacts */
    select 'contact', * from contact
    union all
    select 'invoice', * from invoice
    union all /* with: credit_notes */
    select 'credit_note', * from credit_note
    union all
    select 'payment', * from payment
    union all /* with: refunds, adjustments */
    select 'refund', * from refund
    union all /* with: documents */
    from pdf
)
select
    entity,
    external_id,
    (hash(entity, external_id) >> 1)::bigint as key,
    -- Another version of payloads is another fingerprint: every record is compared, and sent again.
    (xor(mark, hash({version})) >> 1)::bigint as fingerprint
from everything
-- What has no id is a problem, and nothing that could be sent.
where external_id is not null;
