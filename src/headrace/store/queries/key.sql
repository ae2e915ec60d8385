-- insert --
INSERT INTO api_key (key, organisation, name, secret_hash, created_at) VALUES (?, ?, ?, ?, ?)

-- columns --
SELECT o.name, k.key, k.name, k.created_at, k.last_used_at, k.expires_at, k.revoked_at
FROM api_key k
JOIN organisation o ON o.seq = k.organisation

-- all --
{columns}
ORDER BY o.name, k.created_at, k.key

-- of_organisation --
{columns}
WHERE o.seq = ?
ORDER BY k.revoked_at IS NOT NULL, k.created_at DESC, k.key

-- delete_ended --
DELETE FROM api_key
WHERE organisation = (SELECT k.organisation FROM api_key k WHERE k.key = ?)
    AND name = ? AND expires_at < ?

-- one --
{columns}
WHERE k.key = ?

-- active --
-- A key of a sandbox ends with it at the latest.
SELECT k.key, k.secret_hash,
    CASE WHEN k.expires_at < s.expires_at THEN k.expires_at
        ELSE coalesce(s.expires_at, k.expires_at) END,
    o.seq, o.name, o.currency, o.time_zone, o.secret, o.clock, o.limits
FROM api_key k
JOIN organisation o ON o.seq = k.organisation
LEFT JOIN sandbox s ON s.organisation = o.seq
WHERE k.revoked_at IS NULL

-- revoke --
UPDATE api_key SET revoked_at = ? WHERE key = ? AND revoked_at IS NULL

-- expire --
UPDATE api_key SET expires_at = ? WHERE key = ?

-- use --
UPDATE api_key SET last_used_at = ?
WHERE key = ? AND (last_used_at IS NULL OR last_used_at < ?)

-- version --
SELECT value FROM meta WHERE name = 'keys'

-- bump_version --
INSERT INTO meta (name, value) VALUES ('keys', 1)
ON CONFLICT (name) DO UPDATE SET value = meta.value + 1

-- set_version --
INSERT INTO meta (name, value) VALUES ('keys', ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
