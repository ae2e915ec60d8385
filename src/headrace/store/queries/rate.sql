-- set --
INSERT INTO exchange_rate (base, currency, day, rate) VALUES (?, ?, ?, ?)
ON CONFLICT (base, currency, day) DO UPDATE SET rate = excluded.rate

-- all --
SELECT base, currency, day, rate FROM exchange_rate ORDER BY base, currency, day

-- valid --
-- The newest rate of each pair that is not in the future.
SELECT r.base, r.currency, r.rate
FROM exchange_rate r
WHERE r.day = (
    SELECT max(o.day) FROM exchange_rate o
    WHERE o.base = r.base AND o.currency = r.currency AND o.day <= ?
)

-- delete_all --
DELETE FROM exchange_rate
