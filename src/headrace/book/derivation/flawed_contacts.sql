-- What keeps a contact from travelling; a bad contact never holds back its customer. Only contacts
-- that share an address are put in order. Before the @ the API takes letters, digits and + _ ' . -
-- (its help centre); an address with anything else would be refused with the whole customer.
create or replace table book.flawed_contacts as
with shared as (
    select customer_external_id, lower(email) as address
    from book.contacts
    group by all
    having count(*) > 1
),
followers as (
    select contact.rowid as row
    from book.contacts as contact
    join shared
        on shared.customer_external_id = contact.customer_external_id
        and shared.address = lower(contact.email)
    qualify row_number() over (
        partition by shared.customer_external_id, shared.address order by external_id nulls last
    ) > 1
)
select
    contact.rowid as row,
    case
        when contact_rule() = 'separately' and external_id is null
            then 'has no external_id, by which contacts = "separately" knows it'
        when email is null then 'has no e-mail address'
        when not is_address(email)
            then 'has the e-mail address ''' || email || ''', which the API does not take'
        else 'has the e-mail address ''' || email || ''', which another contact of this customer has'
    end as problem
from book.contacts as contact
left join followers on followers.row = contact.rowid
where email is null
   or (contact_rule() = 'separately' and external_id is null)
   or followers.row is not null
   or not is_address(email);
