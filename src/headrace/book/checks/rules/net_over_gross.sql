-- The gross amount has the tax in it, so it is never below the net one.
-- Over: invoices where gross_amount < net_amount.
-- Over: credit_notes where gross_amount < net_amount.
-- By record.
with documents as (
    select 'invoice' as entity, external_id, currency, gross_amount, net_amount from book.invoices
    union all /* with: credit_notes */
    select 'credit_note', external_id, currency, gross_amount, net_amount from book.credit_notes
)
select
    'warning',
    entity,
    coalesce(external_id, '?'),
    'has a gross amount of ' || money(gross_amount, currency) || ', below its net amount of '
        || money(net_amount, currency),
    'exchange the two in models/' || entity || 's.sql, or correct the row: gross is with the tax'
from documents
where gross_amount < net_amount and gross_amount >= 0;
