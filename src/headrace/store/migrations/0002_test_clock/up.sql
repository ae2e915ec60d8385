ALTER TABLE organisation ADD COLUMN clock TEXT;
