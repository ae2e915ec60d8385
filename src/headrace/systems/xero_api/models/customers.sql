-- Each table is read through the list of fields that are needed, as text: one that no object has is
-- NULL, and types do not matter. Nested values are JSON.
-- Contacts that have a receivable document: the others are suppliers. A document brings its contact
-- with it, in case the contacts lack it.
with contacts as (
    select null::varchar as ContactID, null::varchar as Name, null::varchar as TaxNumber,
           null::varchar as AccountNumber, null::varchar as Addresses
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
    select Contact ->> 'ContactID' as id, max(Contact ->> 'Name') as name
    from (
        select Contact from invoices where Type = 'ACCREC'
        union all select Contact from credit_notes where Type = 'ACCRECCREDIT'
        union all select Contact from overpayments where Type = 'RECEIVE-OVERPAYMENT'
        union all select Contact from prepayments where Type = 'RECEIVE-PREPAYMENT'
    )
    group by 1
),
place as (
    select ContactID as id, unnest(from_json(Addresses, '["JSON"]')) as address from contacts
),
billed as (
    select id, max(address::varchar) as address
    from place
    where (address ->> 'AddressType') = 'POBOX'
    group by id
)
select
    owing.id as external_id,
    coalesce(contacts.Name, owing.name) as name,
    contacts.TaxNumber as vat_number,
    contacts.AccountNumber as accounting_ref,
    nullif(concat_ws(', ', nullif(billed.address ->> 'AddressLine1', ''),
                     nullif(billed.address ->> 'AddressLine2', '')), '') as address,
    nullif(billed.address ->> 'PostalCode', '') as zipcode,
    nullif(billed.address ->> 'City', '') as city,
    nullif(billed.address ->> 'Region', '') as state,
    coalesce(country(billed.address ->> 'Country'), nullif(billed.address ->> 'Country', ''))
        as country
from owing
left join contacts on contacts.ContactID = owing.id
left join billed on billed.id = owing.id
where owing.id is not null
