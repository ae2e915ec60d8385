-- Money out: what pays a credit note.
select
    line.id as external_id,
    line.party as customer_external_id,
    currency.code as currency,
    minor(line.debit, currency.code) as amount,
    move.date as validated_at,
    'move ' || move.number as ref_number
from account_move_line line
join account_move move on move.id = line.move
join payment_line on payment_line.line = line.id
join invoice on invoice.id = payment_line.invoice
join currency_currency currency on currency.id = invoice.currency
where line.debit > 0 and line.move not in (select move from invoice)
