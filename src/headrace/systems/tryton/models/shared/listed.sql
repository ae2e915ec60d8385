select line.id, line.amount, line.currency, line.reconciliation, payment_line.invoice
from payment_line
join receivable_line line on line.id = payment_line.line
join invoice on invoice.id = payment_line.invoice
where line.move not in (select move from invoice)
