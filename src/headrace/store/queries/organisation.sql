-- by_name --
SELECT seq, name, currency, time_zone, secret, clock FROM organisation WHERE name = ?

-- by_seq --
SELECT seq, name, currency, time_zone, secret, clock FROM organisation WHERE seq = ?

-- all --
SELECT seq, name, currency, time_zone, secret, clock FROM organisation ORDER BY name

-- set_clock --
UPDATE organisation SET clock = ? WHERE seq = ?

-- next_seq --
-- A number that was given out is never given out again, also after its organisation is gone.
INSERT INTO meta (name, value) VALUES ('organisations', 1)
ON CONFLICT (name) DO UPDATE SET value = meta.value + 1
RETURNING value

-- last_seq --
SELECT value FROM meta WHERE name = 'organisations'

-- set_last_seq --
INSERT INTO meta (name, value) VALUES ('organisations', ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- insert --
INSERT INTO organisation (seq, name, currency, time_zone, secret, created_at)
VALUES (?, ?, ?, ?, ?, ?)

-- insert_position --
INSERT INTO position (organisation, name) VALUES (?, ?)
ON CONFLICT (organisation, name) DO NOTHING

-- delete_position --
DELETE FROM position WHERE organisation = ? AND name = ?

-- position_used --
SELECT count(*) FROM customer WHERE organisation = ? AND contacts LIKE ? ESCAPE '\'

-- positions --
SELECT name FROM position WHERE organisation = ? ORDER BY name
