-- identify --
insert into identity select lower(hex(randomblob(16))) where not exists (select 1 from identity)

-- identity --
select id from identity

-- last_change --
select coalesce(max(change), 0)
from (select max(change) as change from applied union all select max(change) from forgotten) as last

-- news --
select entity, external_id, fingerprint, 0 as gone from applied where change > {seen}
union all
select entity, external_id, null, 1 from forgotten where change > {seen}

-- count --
select entity, count(*) from applied as a
where length(hash) > 0 or not exists (
    select 1 from asked
    where entity = a.entity and external_id = a.external_id and action = 'create'
)
group by entity

-- acknowledged --
select a.entity, a.external_id, a.hash, p.payload, a.customer
from json_each(?) as k
join applied as a on a.entity = k.value ->> 0 and a.external_id = k.value ->> 1
left join payloads as p on p.entity = a.entity and p.external_id = a.external_id

-- customers_at_api --
select a.entity, a.external_id, a.customer
from json_each(?) as k
join applied as a on a.entity = k.value ->> 0 and a.external_id = k.value ->> 1

-- documents_of --
select entity, external_id, customer from applied
where customer in (select value from json_each(?))
and entity in {documents}

-- apply --
insert into applied (
    entity, external_id, fingerprint, hash, customer, applied_at, run, change
) values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (entity, external_id) do update set
    fingerprint = excluded.fingerprint, hash = excluded.hash, customer = excluded.customer,
    applied_at = excluded.applied_at, run = excluded.run, change = excluded.change

-- keep_payload --
insert into payloads (entity, external_id, payload) values (?, ?, ?)
on conflict (entity, external_id) do update set payload = excluded.payload

-- forget --
insert into forgotten (change, entity, external_id) values (?, ?, ?)

-- unapply --
delete from applied where entity = ? and external_id = ?

-- drop_payload --
delete from payloads where entity = ? and external_id = ?

-- ask --
insert into asked (
    entity, external_id, action, customer, claiming, asked_at, payload
) values (?, ?, ?, ?, ?, ?, ?)
on conflict (entity, external_id) do update set
    action = excluded.action, customer = excluded.customer, claiming = excluded.claiming,
    asked_at = excluded.asked_at, payload = excluded.payload

-- asked --
select entity, external_id, action, customer, claiming, asked_at, payload from asked

-- drop_asked --
delete from asked where entity = ? and external_id = ?

-- refresh --
update applied set fingerprint = ?, change = ? where entity = ? and external_id = ?

-- send_again --
update applied set fingerprint = null, hash = ?, change = ? where entity = ? and external_id = ?
and (fingerprint is not null or length(hash) > 0)

-- mark_drifted --
insert into drifts (entity, external_id, fields, found_at, run) values (?, ?, ?, ?, ?)
on conflict (entity, external_id) do update set
    fields = excluded.fields, found_at = excluded.found_at, run = excluded.run

-- drop_drift --
delete from drifts where entity = ? and external_id = ?

-- clear_drifts --
delete from drifts

-- drifts --
select entity, external_id, fields, found_at from drifts order by found_at, entity, external_id

-- troubled --
select entity, external_id from rejects
union select entity, external_id from drifts
union select entity, external_id from failing

-- note_failing --
insert into failing (entity, external_id, runs, said) values (?, ?, 1, ?)
on conflict (entity, external_id) do update set runs = failing.runs + 1, said = excluded.said
returning runs

-- drop_failing --
delete from failing where entity = ? and external_id = ?

-- reject --
insert into rejects (
    entity, external_id, fingerprint, status, message, payload, rejected_at, run, ignored
) values (?, ?, ?, ?, ?, ?, ?, ?, 0)
on conflict (entity, external_id) do update set
    fingerprint = excluded.fingerprint, status = excluded.status, message = excluded.message,
    payload = excluded.payload, rejected_at = excluded.rejected_at, run = excluded.run, ignored = 0,
    around = null

-- rejects --
select
    entity, external_id, fingerprint, status, message, payload, rejected_at, ignored, around
from rejects
order by rejected_at, entity, external_id

-- note_around --
update rejects set around = ? where entity = ? and external_id = ?

-- ignore_reject --
update rejects set ignored = 1 where entity = ? and external_id = ?

-- drop_reject --
delete from rejects where entity = ? and external_id = ?

-- clear_rejects --
delete from rejects

-- begin_run --
insert into runs (command, started_at, planned, open_left) values (?, ?, ?, ?) returning id

-- end_run --
update runs set
    ended_at = ?, outcome = ?, latency = ?,
    sent = (select count(*) from sent where run = runs.id and refused is null)
where id = ?

-- count_rejected --
update runs set rejected = rejected + 1 where id = ?

-- note_sent --
insert into sent (run, at, entity, external_id, action, refused) values (?, ?, ?, ?, ?, ?)

-- runs --
select
    id, command, started_at, ended_at, outcome, planned,
    -- The total of a run is stored at its end; an active or killed run is counted here.
    case
        when ended_at is null and sent = 0
            then (select count(*) from sent where run = runs.id and refused is null)
        else sent
    end,
    rejected, open_left
from runs
{which}

-- newest --
order by id desc limit ?

-- by_id --
where id = ?

-- newest_sent --
-- The caller stops at the first row that is too old. No API accepts more requests in a minute.
select at from sent order by id desc limit 100000

-- sent_counts --
select entity, action, count(*) from sent
where run = ? and refused is null
group by entity, action
order by entity, action

-- sent_records --
select entity, external_id, action, at, refused from sent where run = ? order by id

-- sent_refused --
select entity, external_id, action, at, refused from sent
where run = ? and refused is not null
order by id

-- note_progress --
insert into progress (run, content) values (?, ?)
on conflict (run) do update set content = excluded.content

-- progress --
select content from progress where run = ?

-- drop_progress --
delete from progress where run = ?

-- clear_tried --
delete from tried

-- note_tried --
insert into tried (latency) values (?)

-- latency --
select latency from (
    select latency, id from runs where latency is not null
    union all
    select latency, 0 from tried
) as measured
order by id desc limit 1

-- source_rows --
select name, number from source_rows

-- keep_source_rows --
insert into source_rows (name, number) values (?, ?)
on conflict (name) do update set number = excluded.number

-- clear_directory --
delete from directory

-- keep_directory --
insert into directory (content) values (?)

-- directory --
select content from directory

-- answered --
insert into answers (at) values (?)

-- forget_answers --
delete from answers where at < ?

-- settle_answers --
update answers set at = ? where at = ?

-- drop_answers --
delete from answers where at = ?

-- answers --
select at from answers where at < ?

-- collected --
select content from collected where entity = ? order by id

-- keep_collected --
insert into collected (entity, id, content) values (?, ?, ?)
on conflict (entity, id) do update set content = excluded.content

-- drop_collected --
delete from collected where entity = ? and id = ?

-- clear_collected --
delete from collected where entity = ?

-- collected_list --
select newest, total from collected_lists where entity = ?

-- note_collected_list --
insert into collected_lists (entity, newest, total) values (?, ?, ?)
on conflict (entity) do update set newest = excluded.newest, total = excluded.total

-- decide --
insert into decisions (entity, external_id, id, verdict, decided_at) values (?, ?, ?, ?, ?)
on conflict (entity, external_id, id) do update set
    verdict = excluded.verdict, decided_at = excluded.decided_at

-- drop_decisions --
delete from decisions where entity = ? and external_id = ?

-- decisions --
select entity, external_id, id, verdict, decided_at from decisions
order by decided_at, entity, external_id, id

-- note_imported --
insert into imported (at) select ? where not exists (select 1 from imported)

-- imported --
select at from imported

-- refuse_position --
insert into refused_positions (name, message) values (?, ?)
on conflict (name) do update set message = excluded.message

-- refused_positions --
select name, message from refused_positions order by name

-- clear_positions --
delete from refused_positions

-- target --
select url, key, checked_at from target

-- clear_target --
delete from target

-- keep_target --
insert into target (url, key, checked_at) values (?, ?, ?)

-- landmarks --
select entity, external_id, id from landmarks order by entity, external_id

-- keep_landmark --
insert into landmarks (entity, external_id, id) values (?, ?, ?)
on conflict (entity, external_id) do update set id = excluded.id

-- drop_landmark --
delete from landmarks where entity = ? and external_id = ?

-- clear_landmarks --
delete from landmarks

-- some_acknowledged --
select entity, external_id from applied
where entity in {entities} and length(hash) > 0
order by entity, applied_at desc
limit ?

-- keys_of_customer --
select entity, external_id from applied
where customer = ? or (entity = 'customer' and external_id = ?)

-- payloads_of_customer --
select a.entity, a.external_id, p.payload
from applied as a
join payloads as p on p.entity = a.entity and p.external_id = a.external_id
where a.customer = ? or (a.entity = 'customer' and a.external_id = ?)

-- all_collected --
select entity, id, content from collected order by entity, id

-- drop_collected_list --
delete from collected_lists where entity = ?

-- all_drifts --
select entity, external_id, fields from drifts order by entity, external_id

-- all_refusals --
select id, entity, external_id, refused from sent where refused is not null order by id

-- hush_asked --
update asked set payload = null
where customer = ? or (entity = 'customer' and external_id = ?)

-- hush_refusal --
update sent set refused = '(forgotten)' where id = ?

-- all_outcomes --
select id, outcome from runs where outcome is not null order by id

-- hush_outcome --
update runs set outcome = '(forgotten)' where id = ?

-- clear_progress --
delete from progress

-- count_sent_customer --
select count(*) from sent
where (entity in ('customer', 'customer_pdf') and external_id = ?)
or (entity = 'contact' and substr(external_id, 1, length(cast(? as text))) = ?)

-- unname_sent_customer --
update sent set external_id = '(forgotten)'
where (entity in ('customer', 'customer_pdf') and external_id = ?)
or (entity = 'contact' and substr(external_id, 1, length(cast(? as text))) = ?)

-- drop_forgotten_customer --
delete from forgotten
where (entity in ('customer', 'customer_pdf') and external_id = ?)
or (entity = 'contact' and substr(external_id, 1, length(cast(? as text))) = ?)

-- note_round --
insert into rounds (kind, at, command, said, pending) values (?, ?, ?, ?, ?)
on conflict (kind) do update set
    at = excluded.at, command = excluded.command, said = excluded.said, pending = excluded.pending

-- last_rounds --
select kind, at, command, said, pending from rounds order by at desc

-- rest_mark --
select
    (select coalesce(max(id), 0) from runs),
    (select count(*) || ' ' || coalesce(max(rejected_at), 0) || ' ' || coalesce(sum(ignored), 0)
        from rejects),
    (select count(*) || ' ' || coalesce(max(found_at), 0) from drifts),
    (select count(*) || ' ' || coalesce(max(decided_at), 0) from decisions),
    (select count(*) from refused_positions),
    (select count(*) from imported),
    (select count(*) || ' ' || coalesce(max(asked_at), 0) from asked),
    (select coalesce(max(url || ' ' || key), '') from target)

-- newest_logged --
select
    id, command, error, said, clauses, first_at, at, times, seconds, sent, rejected, withheld,
    pending, failures, failing_since, error_since, behind_since, in_step_at, succeeded_at
from round_log
order by id desc limit ?

-- log_round --
insert into round_log (
    command, error, said, clauses, first_at, at, times, seconds, sent, rejected, withheld,
    pending, failures, failing_since, error_since, behind_since, in_step_at, succeeded_at
) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- continue_round --
update round_log set
    command = ?, error = ?, said = ?, clauses = ?, first_at = ?, at = ?, times = ?, seconds = ?,
    sent = ?, rejected = ?, withheld = ?, pending = ?, failures = ?, failing_since = ?,
    error_since = ?, behind_since = ?, in_step_at = ?, succeeded_at = ?
where id = ?

-- hush_rounds --
update round_log set said = ''

-- drop_old_rounds --
delete from round_log where id <= (select max(id) from round_log) - ?

-- alerts --
select
    kind, since, raised_at, amount, clauses, seen, announced_at, recovered_at, reached,
    next_try_at, tries, said
from alerts
order by raised_at, kind

-- raise_alert --
insert into alerts (
    kind, since, raised_at, amount, clauses, seen, announced_at, recovered_at, reached,
    next_try_at, tries, said
) values (?, ?, ?, ?, ?, ?, null, null, '[]', 0, 0, '')
on conflict (kind) do nothing
returning kind

-- renew_alert --
-- Something was added to a trouble that was announced.
update alerts set
    amount = ?, clauses = ?, seen = ?, raised_at = ?, announced_at = null, reached = '[]',
    next_try_at = 0, tries = 0
where kind = ? and announced_at is not null and recovered_at is null
returning kind

-- recover_alert --
update alerts set recovered_at = ?, reached = '[]', next_try_at = 0, tries = 0
where kind = ? and recovered_at is null
returning kind

-- resume_alert --
update alerts set recovered_at = null, reached = '[]' where kind = ?

-- claim_alert --
-- Whoever gets the row sends; another process may take over when the time has passed.
update alerts set next_try_at = ?, tries = tries + 1
where kind = ? and next_try_at <= ?
returning tries

-- note_reached --
update alerts set reached = ?, announced_at = ?, next_try_at = ?, said = ? where kind = ?

-- drop_alert --
delete from alerts where kind = ?

-- clear_proofs --
delete from proofs

-- note_proof --
insert into proofs (at, balanced, differences) values (?, ?, ?)

-- proof --
select at, balanced, differences from proofs

-- approvals --
select id, digest, state, requested_at, requested_by, summary, decided_at, decided_by
from approvals
order by requested_at, id

-- request_approval --
-- A plan that lapsed, or was applied, may come back; it then needs a new approval.
insert into approvals (id, digest, state, requested_at, requested_by, summary)
values (?, ?, 'waiting', ?, ?, ?)
on conflict (id) do update set
    state = 'waiting', requested_at = excluded.requested_at, requested_by = excluded.requested_by,
    decided_at = null, decided_by = null
where approvals.state in ('lapsed', 'applied')
returning id

-- decide_approval --
update approvals set state = ?, decided_at = ?, decided_by = ? where id = ? and state = ?
returning id

-- newest_audit --
select number, hash from audit order by number desc limit 1

-- add_audit --
insert into audit (number, at, action, who, subject, digest, detail, previous, hash)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- audit_entries --
select number, at, action, who, subject, digest, detail, previous, hash from audit order by number
