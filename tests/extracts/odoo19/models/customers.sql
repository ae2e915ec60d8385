-- A customer is a commercial partner: a company, or a person who buys in his own name. Whoever
-- has an item on a receivable account is one, whatever his customer_rank says.
with owing as (
    select distinct partner.commercial_partner_id as id
    from account_move_line line
    join account_account account on account.id = line.account_id
    join res_partner partner on partner.id = line.partner_id
    where account.account_type = 'asset_receivable' and line.parent_state = 'posted'
)
select
    partner.id as external_id,
    coalesce(partner.name, partner.complete_name) as name,
    partner.vat as vat_number,
    partner.ref as accounting_ref,
    concat_ws(', ', partner.street, partner.street2) as address,
    partner.zip as zipcode,
    partner.city,
    country.name ->> 'en_US' as country
from res_partner partner
left join res_country country on country.id = partner.country_id
where partner.id = partner.commercial_partner_id
  and (partner.customer_rank > 0 or partner.id in (from owing))
