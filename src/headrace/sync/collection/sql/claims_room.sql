-- Claims that would keep a link of the portal although the source leaves no room for it, because
-- other records settle the invoice. Needs `kept_links` (entity, external_id, invoice, amount).
with wanted as (
    select invoice, sum(amount) as amount
    from kept_links
    group by invoice
),
taken as (
    select to_external_id as invoice, sum(amount) as amount
    from book.links
    where to_entity = 'invoice' and to_external_id in (select invoice from wanted)
    group by all
),
full_ones as (
    select wanted.invoice
    from wanted
    left join book.invoices as invoices on invoices.external_id = wanted.invoice
    left join taken using (invoice)
    where coalesce(invoices.gross_amount, 0) - coalesce(taken.amount, 0) < wanted.amount
)
select distinct entity, external_id
from kept_links
semi join full_ones using (invoice);
