-- What follows from the canonical tables alone, before any rule is checked. Each statement is
-- independent of the others: they run side by side.

-- What settles an invoice without cash rides as a payment that is linked to it; its reference
-- starts with the kind, so that it can be told from money.
create or replace table book.settled as
select
    'settlement:' || settlement.external_id as external_id,
    invoice.customer_external_id,
    invoice.currency,
    settlement.amount,
    settlement.booked_at as validated_at,
    settlement.kind || ':' || coalesce(settlement.ref_number, invoice.custom_id) as ref_number,
    settlement.invoice_external_id
from book.settlements as settlement
left join book.invoices as invoice on invoice.external_id = settlement.invoice_external_id;

-- An invoice marked paid that no settlement covers gets a payment of what is open, dated on the
-- invoice's issue date (docs/api-evidence.md, Fix payments). Allocations in error count as
-- cover: their money stays open and is reported, instead of being papered over.
create or replace table book.fixes as
with marked as (
    from book.marked_invoices
),
settling as (
    select to_external_id, amount
    from book.allocations
    where to_entity = 'invoice'
    union all
    select invoice_external_id, amount
    from book.settlements
),
covered as (
    -- Not beyond a whole number of 64 bits, whatever the source says.
    select to_external_id, least(sum(amount), 9000000000000000000)::bigint as amount
    from settling
    semi join marked on marked.external_id = settling.to_external_id
    where amount > 0
    group by all
)
select
    'fix:' || marked.external_id as external_id,
    marked.customer_external_id,
    marked.currency,
    marked.gross_amount - coalesce(covered.amount, 0) as amount,
    marked.issued_at as validated_at,
    'fix:' || marked.custom_id as ref_number,
    marked.external_id as invoice_external_id
from marked
left join covered on covered.to_external_id = marked.external_id
where marked.gross_amount > coalesce(covered.amount, 0);

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
