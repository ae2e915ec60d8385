-- by_name --
SELECT seq, name, currency, time_zone FROM organisation WHERE name = ?

-- insert --
INSERT INTO organisation (name, currency, time_zone, created_at) VALUES (?, ?, ?, ?)

-- insert_position --
INSERT INTO position (organisation, name) VALUES (?, ?)

-- positions --
SELECT name FROM position WHERE organisation = ? ORDER BY name

-- insert_key --
INSERT INTO api_key (key, organisation, secret_hash, created_at) VALUES (?, ?, ?, ?)

-- revoke_key --
UPDATE api_key SET revoked_at = ? WHERE key = ? AND revoked_at IS NULL

-- keys --
SELECT o.name, k.key, k.created_at, k.revoked_at
FROM api_key k
JOIN organisation o ON o.seq = k.organisation
ORDER BY o.name, k.created_at, k.key

-- active_keys --
SELECT k.key, k.secret_hash, o.seq, o.name, o.currency, o.time_zone
FROM api_key k
JOIN organisation o ON o.seq = k.organisation
WHERE k.revoked_at IS NULL

-- keys_version --
SELECT value FROM meta WHERE name = 'keys'

-- bump_keys_version --
INSERT INTO meta (name, value) VALUES ('keys', 1)
ON CONFLICT (name) DO UPDATE SET value = meta.value + 1
