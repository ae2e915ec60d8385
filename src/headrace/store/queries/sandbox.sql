-- insert --
INSERT INTO sandbox (organisation, expires_at, created_at) VALUES (?, ?, ?)

-- columns --
SELECT o.seq, o.name, o.currency, o.time_zone, o.clock, o.limits, s.created_at, s.expires_at
FROM sandbox s
JOIN organisation o ON o.seq = s.organisation

-- all --
{columns}
ORDER BY o.name

-- by_name --
{columns}
WHERE o.name = ?

-- by_seq --
{columns}
WHERE o.seq = ?

-- expired --
{columns}
WHERE s.expires_at <= ?
ORDER BY s.expires_at

-- next_expiry --
SELECT min(expires_at) FROM sandbox WHERE expires_at IS NOT NULL

-- set_limits --
UPDATE organisation SET limits = ? WHERE seq = ?

-- end --
UPDATE sandbox SET expires_at = ? WHERE organisation = ?

-- delete --
DELETE FROM sandbox WHERE organisation = ?

-- delete_access --
DELETE FROM console_access WHERE organisation = ?

-- delete_keys --
DELETE FROM api_key WHERE organisation = ?

-- delete_organisation --
DELETE FROM organisation WHERE seq = ?
