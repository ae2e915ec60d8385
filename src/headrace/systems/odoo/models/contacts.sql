-- The company's own address and the people under it; the same address twice counts once, and then
-- as the person's. `function` is free text ("Sales Manager") and no position in Upflow.
select
    person.commercial_partner_id as customer_external_id,
    person.id as external_id,
    person.email_normalized as email,
    split_part(person.name, ' ', 1) as first_name,
    array_to_string(split(person.name, ' ')[2:], ' ') as last_name,
    person.phone,
    person.id = person.commercial_partner_id as is_main
from res_partner person
where person.commercial_partner_id in (select id from customer)
  and person.active and person.email_normalized is not null
qualify row_number() over (
    partition by person.commercial_partner_id, person.email_normalized
    order by person.id = person.commercial_partner_id, person.id
) = 1
