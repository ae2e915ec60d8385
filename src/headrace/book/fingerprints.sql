-- The fingerprint only picks candidates: a payload's own hash decides whether it is sent, so this
-- one may change with the engine's version at the price of comparing more payloads.
create or replace table book.fingerprints as
with contact_marks as (
    select
        customer_external_id,
        sum(hash(
            external_id, email, first_name, last_name, phone, if(refused.position is null,
            contact.position, null), is_main
        )) as mark
    from book.travelling_contacts as contact
    left join book.refused_positions as refused using (position)
    group by customer_external_id
),
customer as (
    select
        customer.external_id,
        hash(
            customer.name, vat_number, accounting_ref, address, zipcode, city, state, country,
            roots.root, contact_marks.mark, manager.id, dunning.id, custom_fields,
            -- Ids and types of fields are part of what is sent.
            if(custom_fields is null, null, (select sum(hash(fields)) from book.fields as fields))
        ) as mark
    from book.customers as customer
    left join book.roots as roots on roots.external_id = customer.external_id
    left join contact_marks on contact_marks.customer_external_id = customer.external_id
    left join book.names as manager
        on manager.kind = 'account_manager' and manager.name = lower(customer.account_manager)
    left join book.names as dunning
        on dunning.kind = 'dunning_plan' and dunning.name = lower(customer.dunning_plan)
),
invoice as (
    select
        external_id,
        hash(
            customer_external_id, custom_id, issued_at, due_date, currency, gross_amount,
            net_amount, name
        ) as mark
    from book.invoices
),
credit_note as (
    select
        note.external_id,
        hash(
            customer_external_id, custom_id, issued_at, due_date, currency, gross_amount,
            net_amount, name, allocations.mark
        ) as mark
    from book.credit_notes as note
    left join book.allocation_marks as allocations
        on allocations.key = hash('credit_note', note.external_id)
),
payment as (
    select
        payment.external_id,
        hash(
            customer_external_id, currency, payment.amount, validated_at, instrument, ref_number,
            bank_account_id, allocations.mark
        ) as mark
    from book.all_payments as payment
    left join book.allocation_marks as allocations
        on allocations.key = hash('payment', payment.external_id)
),
refund as (
    select
        refund.external_id,
        hash(
            customer_external_id, currency, refund.amount, validated_at, instrument, ref_number,
            bank_account_id, allocations.mark
        ) as mark
    from book.all_refunds as refund
    left join book.allocation_marks as allocations
        on allocations.key = hash('refund', refund.external_id)
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
    select
        id as external_id,
        hash(
            external_id, email, first_name, last_name, phone, if(refused.position is null,
            contact.position, null), is_main
        ) as mark
    from book.own_contacts as contact
    left join book.refused_positions as refused using (position)
),
everything as (
    select 'customer' as entity, * from customer
    union all
    select 'contact', * from contact
    union all
    select 'invoice', * from invoice
    union all
    select 'credit_note', * from credit_note
    union all
    select 'payment', * from payment
    union all
    select 'refund', * from refund
    union all
    from pdf
)
select
    entity,
    external_id,
    (hash(entity, external_id) >> 1)::bigint as key,
    (mark >> 1)::bigint as fingerprint
from everything;
