-- What settles an invoice without cash is of a known kind, positive, and no more than what the
-- invoice's payments and credit notes leave.
-- Over: settlements.
with settled as (
    select settlement.*, invoice.currency, invoice.gross_amount
    from book.settlements as settlement
    left join book.invoices as invoice on invoice.external_id = settlement.invoice_external_id
),
totals as (
    select to_external_id, sum(amount) as amount
    from (
        select to_external_id, amount
        from book.allocations
        where to_entity = 'invoice'
          and to_external_id in (select invoice_external_id from book.settlements)
        union all
        select invoice_external_id, amount
        from book.settlements
    )
    where amount > 0
    group by to_external_id
)
select
    'error', 'settlement', external_id,
    'has the kind ''' || kind || ''', which is none',
    'write write_off, small_difference, exchange_difference, bank_fee or withholding_tax'
from settled
where kind not in (
    'write_off', 'small_difference', 'exchange_difference', 'bank_fee', 'withholding_tax'
)
union all
select
    'error', 'settlement', external_id,
    'settles invoice ' || invoice_external_id || ', which is not in the table invoices',
    'correct invoice_external_id in the source, or add the invoice'
from settled
where invoice_external_id is not null and currency is null
union all
select
    'error', 'settlement', external_id,
    'has no positive amount: ' || money(amount, currency),
    'model what raises an invoice as a row of adjustments'
from settled
where amount <= 0
union all
select
    'error', 'settlement', settled.external_id,
    'brings what settles invoice ' || invoice_external_id || ' to '
        || money(totals.amount::bigint, currency) || ', over its ' || money(gross_amount, currency),
    'lower it, or the allocations of the invoice'
from settled
join totals on totals.to_external_id = settled.invoice_external_id
where totals.amount > gross_amount;
