-- The company's own address and the people under it; the same address twice counts once, and then
-- as the person's. `function` is free text ("Sales Manager") and no position in Upflow.
with own as (
    select external_id::integer as id from (
        select distinct partner.commercial_partner_id as external_id
        from account_move_line line
        join account_account account on account.id = line.account_id
        join res_partner partner on partner.id = line.partner_id
        where account.account_type = 'asset_receivable' and line.parent_state = 'posted'
        union
        select id from res_partner where id = commercial_partner_id and customer_rank > 0
    )
)
select
    person.commercial_partner_id as customer_external_id,
    person.id as external_id,
    person.email_normalized as email,
    split_part(person.name, ' ', 1) as first_name,
    array_to_string(split(person.name, ' ')[2:], ' ') as last_name,
    person.phone,
    person.id = person.commercial_partner_id as is_main
from res_partner person
join own on own.id = person.commercial_partner_id
where person.active and person.email_normalized is not null
qualify row_number() over (
    partition by person.commercial_partner_id, person.email_normalized
    order by person.id = person.commercial_partner_id, person.id
) = 1
