-- Columns and tables that are read but not yet sent: said once, so that nobody waits for them.
select 'warning', 'customer', '*', 'has ' || "column" || ' set in ' || n || ' rows', 'it is not sent by this version'
from (
    select 'custom_fields' as "column", count(custom_fields) as n from book.customers
    union all
    select 'account_manager', count(account_manager) from book.customers
    union all
    select 'dunning_plan', count(dunning_plan) from book.customers
)
where n > 0
union all
select 'warning', 'document', '*', 'has ' || count(*) || ' rows', 'PDFs are not sent by this version'
from book.documents
having count(*) > 0;
