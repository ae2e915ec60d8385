-- A warehouse lacks columns that never had a value: each table is read through the list of columns
-- that are needed, as text, so that a missing one is NULL and types do not matter.
-- Contacts that have a receivable document: the others are suppliers. Xero archives a contact that
-- is merged into another and moves its documents, so it has none left.
with contact as (
    select null::varchar as contact_id, null::varchar as _fivetran_deleted, null::varchar as name,
           null::varchar as tax_number, null::varchar as account_number
    where false
    union all by name select * from contact
),
invoice as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from invoice
),
credit_note as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from credit_note
),
overpayment as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from overpayment
),
prepayment as (
    select null::varchar as contact_id, null::varchar as type where false
    union all by name select * from prepayment
),
document as (
    select contact_id from invoice where type = 'ACCREC'
    union all select contact_id from credit_note where type = 'ACCRECCREDIT'
    union all select contact_id from overpayment where type = 'RECEIVE-OVERPAYMENT'
    union all select contact_id from prepayment where type = 'RECEIVE-PREPAYMENT'
)
select
    contact_id as external_id,
    name,
    tax_number as vat_number,
    account_number as accounting_ref
from contact
where try_cast(_fivetran_deleted as boolean) is distinct from true
  and contact_id in (select contact_id from document)
