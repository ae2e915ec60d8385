select
    move.id as external_id,
    move.commercial_partner_id as customer_external_id,
    move.name as custom_id,
    move.invoice_date as issued_at,
    currency.name as currency,
    minor(move.amount_total, currency.name) as gross_amount,
    minor(move.amount_untaxed, currency.name) as net_amount,
    move.ref as name
from account_move move
join res_currency currency on currency.id = move.currency_id
where move.move_type = 'out_refund' and move.state = 'posted'
