-- A line's amount is in its own currency: with a second one, debit and credit are only its worth in
-- the company's.
select * exclude (debit, credit, amount_second_currency),
       coalesce(amount_second_currency::decimal(38, 10),
                debit::decimal(38, 10) - credit::decimal(38, 10)) as amount
from posted_line
