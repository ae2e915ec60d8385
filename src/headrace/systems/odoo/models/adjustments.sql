-- Journal entries on a customer's receivable account that are neither a document nor a payment.
select
    'entry-' || line.id as external_id,
    partner.commercial_partner_id as customer_external_id,
    currency.name as currency,
    minor(line.amount_currency, currency.name) as amount,
    line.date as booked_at,
    move.name as ref_number
from account_move_line line
join account_move move on move.id = line.move_id
join account_account account on account.id = line.account_id
join res_partner partner on partner.id = line.partner_id
join res_currency currency on currency.id = line.currency_id
where account.account_type = 'asset_receivable' and line.parent_state = 'posted'
  and move.move_type = 'entry' and move.id not in (
      select move_id from account_payment where move_id is not null)
