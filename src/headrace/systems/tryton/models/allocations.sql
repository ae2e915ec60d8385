-- Tryton links a payment with one invoice and does not say how much of it: all of it.
select
    if(line.credit > 0, 'payment', 'refund') as from_entity,
    line.id as from_external_id,
    if(line.credit > 0, 'invoice', 'credit_note') as to_entity,
    payment_line.invoice as to_external_id,
    minor(line.credit + line.debit, currency.code) as amount
from payment_line
join account_move_line line on line.id = payment_line.line
join invoice on invoice.id = payment_line.invoice
join currency_currency currency on currency.id = invoice.currency
where line.move not in (select move from invoice)
