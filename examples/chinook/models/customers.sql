-- Most buyers are people; where a company is named, the invoice goes to the company.
select
    CustomerId as external_id,
    coalesce(Company, concat_ws(' ', FirstName, LastName)) as name,
    Address as address,
    PostalCode as zipcode,
    City as city,
    State as state,
    country_name(Country) as country
from Customer
