-- The guid is the id that never changes; people know a customer by `id`, such as C00012.
-- GnuCash keeps an address as four lines without saying which is the city.
select
    guid as external_id,
    name,
    id as accounting_ref,
    concat_ws(', ', nullif(addr_addr1, ''), nullif(addr_addr2, ''), nullif(addr_addr3, ''),
        nullif(addr_addr4, '')) as address
from customers
