-- by_name --
SELECT seq, name, currency, time_zone, secret FROM organisation WHERE name = ?

-- by_seq --
SELECT seq, name, currency, time_zone, secret FROM organisation WHERE seq = ?

-- insert --
INSERT INTO organisation (name, currency, time_zone, secret, created_at) VALUES (?, ?, ?, ?, ?)

-- insert_position --
INSERT INTO position (organisation, name) VALUES (?, ?)
ON CONFLICT (organisation, name) DO NOTHING

-- positions --
SELECT name FROM position WHERE organisation = ? ORDER BY name
