-- The contact itself is the main one. Of its telephone numbers only the mobile one is taken, as in
-- Upflow's own Xero integration.
with contacts as (
    select null::varchar as ContactID, null::varchar as EmailAddress, null::varchar as FirstName,
           null::varchar as LastName, null::varchar as Phones, null::varchar as ContactPersons
    where false
    union all by name select * from contacts
),
invoices as (
    select null::varchar as Type, null::varchar as Contact where false
    union all by name select * from invoices
),
credit_notes as (
    select null::varchar as Type, null::varchar as Contact where false
    union all by name select * from credit_notes
),
overpayments as (
    select null::varchar as Type, null::varchar as Contact where false
    union all by name select * from overpayments
),
prepayments as (
    select null::varchar as Type, null::varchar as Contact where false
    union all by name select * from prepayments
),
owing as (
    select Contact ->> 'ContactID' as id
    from (
        select Contact from invoices where Type = 'ACCREC'
        union all select Contact from credit_notes where Type = 'ACCRECCREDIT'
        union all select Contact from overpayments where Type = 'RECEIVE-OVERPAYMENT'
        union all select Contact from prepayments where Type = 'RECEIVE-PREPAYMENT'
    )
),
number as (
    select ContactID as id, unnest(from_json(Phones, '["JSON"]')) as phone from contacts
),
mobile as (
    select id, max(concat_ws('', phone ->> 'PhoneCountryCode', phone ->> 'PhoneAreaCode',
                             phone ->> 'PhoneNumber')) as phone
    from number
    where (phone ->> 'PhoneType') = 'MOBILE'
    group by id
),
person as (
    select ContactID as id, unnest(from_json(ContactPersons, '["JSON"]')) as person from contacts
),
reached as (
    select contacts.ContactID as id, EmailAddress as email, FirstName, LastName,
           nullif(mobile.phone, '') as phone, true as is_main
    from contacts
    left join mobile on mobile.id = contacts.ContactID
    union all
    select id, person ->> 'EmailAddress', person ->> 'FirstName', person ->> 'LastName', null, false
    from person
)
select
    id as customer_external_id,
    id || '-' || lower(email) as external_id,
    email,
    FirstName as first_name,
    LastName as last_name,
    phone,
    is_main
from reached
where nullif(trim(email), '') is not null and id in (select id from owing)
qualify row_number() over (partition by id, lower(email) order by is_main desc, LastName) = 1
