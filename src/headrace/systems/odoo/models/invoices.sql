-- Posted invoices; drafts and cancelled ones are nobody's debt. An invoice that Odoo counts as
-- settled by something that is no payment (a write-off, an exchange difference) is marked as paid.
select
    move.id as external_id,
    move.commercial_partner_id as customer_external_id,
    move.name as custom_id,
    move.invoice_date as issued_at,
    coalesce(move.invoice_date_due, move.invoice_date) as due_date,
    currency.name as currency,
    minor(move.amount_total, currency.name) as gross_amount,
    minor(move.amount_untaxed, currency.name) as net_amount,
    move.ref as name,
    case when move.payment_state in ('paid', 'in_payment') then move.invoice_date end
        as marked_paid_at
from account_move move
join res_currency currency on currency.id = move.currency_id
where move.move_type in ('out_invoice', 'out_receipt') and move.state = 'posted'
