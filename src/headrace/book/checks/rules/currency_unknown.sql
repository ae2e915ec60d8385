-- A currency is one of ISO 4217, upper case.
-- By record.
select
    'error',
    entity,
    external_id,
    'has the currency ''' || currency || ''', which ISO 4217 does not know',
    'write the three-letter code in capitals, such as EUR'
from book.all_documents
anti join book.currencies as currencies on currencies.code = currency
where currency is not null;
