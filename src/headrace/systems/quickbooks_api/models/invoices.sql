-- Voiding an invoice sets its amount to zero and writes "Voided" before its note.
with invoices as (
    select null::varchar as Id, null::varchar as CustomerRef, null::varchar as DocNumber,
           null::varchar as TxnDate, null::varchar as DueDate, null::varchar as CurrencyRef,
           null::varchar as TotalAmt, null::varchar as TxnTaxDetail, null::varchar as PrivateNote
    where false
    union all by name select * from invoices
),
invoice as (
    select Id as id,
           Id in (select Id from deleted_objects where Type = 'Invoice') as gone,
           CustomerRef ->> 'value' as customer_id, DocNumber as doc_number,
           TxnDate as transaction_date, DueDate as due_date, CurrencyRef ->> 'value' as currency_id,
           TotalAmt as total_amount, TxnTaxDetail ->> 'TotalTax' as total_tax,
           PrivateNote as private_note
    from invoices
),
customers as (
    select null::varchar as Id, null::varchar as CurrencyRef
    where false
    union all by name select * from customers
),
customer as (
    select Id as id, CurrencyRef ->> 'value' as currency_id
    from customers
)
select
    invoice.id as external_id,
    invoice.customer_id as customer_external_id,
    coalesce(invoice.doc_number, invoice.id) as custom_id,
    invoice.transaction_date as issued_at,
    coalesce(invoice.due_date, invoice.transaction_date) as due_date,
    -- Without multi-currency, documents may name none.
    coalesce(invoice.currency_id, customer.currency_id) as currency,
    minor(invoice.total_amount, currency) as gross_amount,
    minor(invoice.total_amount, currency) - coalesce(minor(invoice.total_tax, currency), 0)
        as net_amount
from invoice
left join customer on customer.id = invoice.customer_id
where not invoice.gone
  and not (try_cast(invoice.total_amount as decimal(38, 6)) = 0
    and coalesce(invoice.private_note ilike 'voided%', false))
