-- Parties that were ever invoiced, with the first of their addresses.
with first_address as (
    select distinct on (party) party, street_unstructured, postal_code, city
    from party_address
    where active
    order by party, sequence nulls first, id
)
select
    party_party.id as external_id,
    coalesce(party_party.name, party_party.code) as name,
    party_party.code as accounting_ref,
    first_address.street_unstructured as address,
    first_address.postal_code as zipcode,
    first_address.city
from party_party
left join first_address on first_address.party = party_party.id
where party_party.id in (select party from invoice)
