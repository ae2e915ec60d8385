-- All of an organisation's data but itself and its keys, what refers to something before that.

-- allocation --
DELETE FROM allocation WHERE source IN (SELECT seq FROM document WHERE organisation = ?)

-- reconciliation --
DELETE FROM reconciliation WHERE organisation = ?

-- custom_value --
DELETE FROM custom_value WHERE field IN (SELECT seq FROM custom_field WHERE organisation = ?)

-- custom_key --
DELETE FROM custom_key WHERE field IN (SELECT seq FROM custom_field WHERE organisation = ?)

-- action --
DELETE FROM action WHERE organisation = ?

-- note --
DELETE FROM note WHERE customer IN (SELECT seq FROM customer WHERE organisation = ?)

-- portal_visit --
DELETE FROM portal_visit WHERE link IN (SELECT id FROM portal_link WHERE organisation = ?)

-- portal_answer --
DELETE FROM portal_answer WHERE organisation = ?

-- portal_file --
DELETE FROM portal_file WHERE organisation = ?

-- portal_logo --
DELETE FROM portal_logo WHERE organisation = ?

-- portal_settings --
DELETE FROM portal_settings WHERE organisation = ?

-- portal_link --
DELETE FROM portal_link WHERE organisation = ?

-- document --
DELETE FROM document WHERE organisation = ?

-- custom_field --
DELETE FROM custom_field WHERE organisation = ?

-- catalogue --
DELETE FROM catalogue WHERE organisation = ?

-- counter --
DELETE FROM counter WHERE organisation = ?

-- customer --
DELETE FROM customer WHERE organisation = ?

-- position --
DELETE FROM position WHERE organisation = ?
