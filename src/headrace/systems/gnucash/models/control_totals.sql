-- The balance of the receivable accounts themselves, as the trial balance shows it. Entries that
-- somebody wrote straight onto such an account count here, and nobody's balance has them.
select
    currency.mnemonic as currency,
    sum(minor_of_fraction(split.value_num, split.value_denom, currency.mnemonic)) as balance
from splits split
join accounts account
  on account.guid = split.account_guid and account.account_type = 'RECEIVABLE'
join transactions entry on entry.guid = split.tx_guid
join commodities currency on currency.guid = entry.currency_guid
group by all
