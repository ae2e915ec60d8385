with posted as (
    select invoice.id, -sum(line.amount) as total
    from invoice
    join receivable_line line on line.move = invoice.move and line.account = invoice.account
    group by invoice.id
)
select
    invoice.id as external_id,
    invoice.party as customer_external_id,
    invoice.number as custom_id,
    invoice.invoice_date as issued_at,
    currency.code as currency,
    minor(posted.total, currency.code) as gross_amount,
    minor(coalesce(-invoice.untaxed_amount_cache::decimal(38, 10), posted.total), currency.code)
        as net_amount,
    coalesce(invoice.description, invoice.reference) as name
from invoice
join posted on posted.id = invoice.id and posted.total > 0
join currency_currency currency on currency.id = invoice.currency
