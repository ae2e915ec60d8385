-- What each document and entry has in each reconciliation, listed lines taken off.
select line.reconciliation, line.currency, 1 as rank, invoice.id,
       sum(line.amount) + coalesce((
           select sum(listed.amount) from listed
           where listed.invoice = invoice.id
             and listed.reconciliation = line.reconciliation), 0) as amount
from invoice
join receivable_line line on line.move = invoice.move and line.account = invoice.account
where line.reconciliation is not null
group by line.reconciliation, line.currency, invoice.id

union all
select reconciliation, currency, if(journal_type in ('cash', 'statement'), 2, 3), id, amount
from receivable_line
where reconciliation is not null and id in (select id from entry_line)
