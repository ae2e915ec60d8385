-- A payment is a line on the receivable account that Tryton lists as paying an invoice. (A line of
-- another invoice's move in that list is a credit note, see allocations.sql.)
select
    line.id as external_id,
    line.party as customer_external_id,
    currency.code as currency,
    minor(line.credit, currency.code) as amount,
    move.date as validated_at,
    'move ' || move.number as ref_number
from account_move_line line
join account_move move on move.id = line.move
join payment_line on payment_line.line = line.id
join invoice on invoice.id = payment_line.invoice
join currency_currency currency on currency.id = invoice.currency
where line.credit > 0 and line.move not in (select move from invoice)
