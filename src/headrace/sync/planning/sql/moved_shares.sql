-- Compares the source with what the API acknowledged. This is the only step that reads every
-- record, so it has to be cheap. It compares numbers only, and in two stages. The keys are divided
-- into 16,384 shares, and a sum of hashes over each share shows whether anything in it differs.
-- Only the records of shares that differ are joined one by one, in `differences.sql`. Example: one
-- changed record of a million leads to a join of about 60.
create or replace temp table moved_shares as
with now_sums as (
    select key & 16383 as share, sum(hash(key, fingerprint)) as mark
    from book.fingerprints
    group by share
),
acknowledged_sums as (
    select key & 16383 as share, sum(hash(key, fingerprint)) as mark
    from staging.acknowledged
    group by share
)
select share
from now_sums
full outer join acknowledged_sums using (share)
where now_sums.mark is distinct from acknowledged_sums.mark;
