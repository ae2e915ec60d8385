INSERT INTO counter (organisation, customer, entity, currency, total)
SELECT organisation, 0, 'large', '', count(*)
FROM (
    SELECT organisation FROM customer WHERE length(contacts) + length(body) > 33554
    UNION ALL SELECT organisation FROM document WHERE length(body) > 33554
    UNION ALL SELECT organisation FROM action WHERE length(body) > 33554
    UNION ALL SELECT organisation FROM custom_field WHERE length(body) > 33554
) large_row
GROUP BY organisation;
