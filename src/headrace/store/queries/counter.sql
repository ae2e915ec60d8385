-- add --
INSERT INTO counter (organisation, customer, entity, currency, total) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (organisation, customer, entity, currency)
DO UPDATE SET total = counter.total + excluded.total

-- length --
SELECT EXISTS (SELECT 1 FROM counter WHERE organisation = ? AND customer = 0 AND entity = 'large'),
    sum(total)
FROM counter WHERE organisation = ? AND customer = ? AND entity = ?

-- of_customer --
SELECT entity, sum(total) FROM counter
WHERE organisation = ? AND customer = ? AND total > 0
GROUP BY entity ORDER BY entity

-- currencies_of_page --
SELECT customer, currency FROM counter
WHERE organisation = ? AND customer BETWEEN ? AND ? AND total > 0
UNION
SELECT c.parent, n.currency
FROM customer c
CROSS JOIN counter n
-- The sign and the cross join keep SQLite from going through all that the organisation has.
WHERE c.parent BETWEEN ? AND ? AND +c.organisation = ?
    AND n.organisation = c.organisation AND n.customer = c.seq AND n.total > 0

-- forget_customer --
DELETE FROM counter WHERE organisation = ? AND customer IN (?, ?)
