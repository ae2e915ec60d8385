-- What links need to know of their documents, by numbers that stand for names.
select
    hash('invoice', external_id) as key, hash(customer_external_id, currency) as tag, currency,
    gross_amount as amount
from book.invoices
where external_id is not null /* narrowed: external_id */
union all
select
    hash('credit_note', external_id), hash(customer_external_id, currency), currency, gross_amount
from book.credit_notes
where external_id is not null /* narrowed: external_id */
union all
select hash('payment', external_id), hash(customer_external_id, currency), currency, amount
from book.all_payments
where external_id is not null /* narrowed: external_id */
union all
select hash('refund', external_id), hash(customer_external_id, currency), currency, amount
from book.all_refunds
where external_id is not null /* narrowed: external_id */
