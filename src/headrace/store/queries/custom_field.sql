-- columns --
SELECT seq, id, external_id, entity, data_type, created_at, body
FROM custom_field

-- sizes --
SELECT length(body)
FROM custom_field

-- by_id --
{columns}
WHERE id = ? AND organisation = ?

-- by_external_id --
{columns}
WHERE external_id = ? AND entity = ? AND organisation = ?

-- all_by_external_id --
{columns}
WHERE external_id = ? AND organisation = ?
ORDER BY seq

-- page_newest --
{columns}
WHERE organisation = ? ORDER BY seq DESC LIMIT ? OFFSET ?

-- page_oldest --
{columns}
WHERE organisation = ? ORDER BY seq LIMIT ? OFFSET ?

-- insert --
INSERT INTO custom_field (organisation, entity, id, external_id, data_type, created_at, body)
VALUES (?, ?, ?, ?, ?, ?, ?)
RETURNING seq

-- update --
UPDATE custom_field SET body = ? WHERE seq = ?

-- delete --
DELETE FROM custom_field WHERE seq = ?

-- delete_values --
DELETE FROM custom_value WHERE field = ?

-- delete_keys --
DELETE FROM custom_key WHERE field = ?

-- labels --
SELECT key FROM custom_key WHERE field = ? ORDER BY seq

-- labels_of_page --
SELECT k.field, k.key
FROM custom_field f
JOIN custom_key k ON k.field = f.seq
WHERE f.organisation = ? AND f.seq BETWEEN ? AND ? AND f.data_type IN ('SELECT', 'MULTI_SELECT')
ORDER BY k.seq

-- add_key --
INSERT INTO custom_key (field, key, total) VALUES (?, ?, 1)
ON CONFLICT (field, key) DO UPDATE SET total = custom_key.total + 1
RETURNING seq

-- drop_key --
UPDATE custom_key SET total = total - 1 WHERE seq = ? RETURNING total

-- forget_key --
DELETE FROM custom_key WHERE seq = ?

-- key --
SELECT seq, total FROM custom_key WHERE field = ? AND key = ?

-- owners --
SELECT owner FROM custom_value WHERE key = ? ORDER BY owner DESC

-- owners_newest --
SELECT owner FROM custom_value WHERE key = ? ORDER BY owner DESC LIMIT ? OFFSET ?

-- owners_oldest --
SELECT owner FROM custom_value WHERE key = ? ORDER BY owner LIMIT ? OFFSET ?

-- value --
SELECT value FROM custom_value WHERE owner = ? AND field = ? AND place = 0

-- keys_of_value --
SELECT key FROM custom_value WHERE owner = ? AND field = ? AND key IS NOT NULL

-- delete_value --
DELETE FROM custom_value WHERE owner = ? AND field = ?

-- insert_value --
INSERT INTO custom_value (owner, field, place, key, value) VALUES (?, ?, ?, ?, ?)

-- fields_of_owner --
SELECT f.seq, f.data_type
FROM custom_value v
CROSS JOIN custom_field f
WHERE f.seq = v.field AND v.owner = ? AND v.place = 0 AND f.organisation = ? AND f.entity = ?

-- values_of_page --
SELECT v.owner, f.id, f.external_id, v.value
FROM custom_value v
-- The cross join keeps SQLite from going through all values of the organisation's fields.
CROSS JOIN custom_field f
WHERE f.seq = v.field AND v.owner BETWEEN ? AND ? AND v.place = 0 AND f.organisation = ?
    AND f.entity = ?
ORDER BY v.owner, f.seq
