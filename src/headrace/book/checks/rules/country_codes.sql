-- The country of an address is a name, such as France; one warning for each code.
-- Over: customers where length(country) <= 3.
select
    'warning',
    'customer',
    min(external_id),
    'has the country ''' || country || '''' || if(
            count(*) > 1, ', as have ' || (count(*) - 1) || ' more', '')
        || ', a code where the API has names',
    'write ' || any_value(countries.name)
        || '; country_name(…) in models/customers.sql turns codes into names'
from book.customers as customer
join book.countries as countries on countries.code = upper(customer.country)
where length(country) <= 3
group by country;
