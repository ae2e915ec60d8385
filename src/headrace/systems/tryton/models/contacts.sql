-- A party has ways to reach it, not people: each e-mail address becomes a contact, with the party's
-- first telephone number.
select
    mail.party as customer_external_id,
    mail.id as external_id,
    mail.value_compact as email,
    mail.name as last_name,
    (select arg_min(value, id) from party_contact_mechanism phone
     where phone.party = mail.party and phone.type in ('phone', 'mobile') and phone.active) as phone
from party_contact_mechanism mail
where mail.type = 'email' and mail.active and mail.party in (select party from invoice)
