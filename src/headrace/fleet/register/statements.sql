-- members --
select name, template, settings, paused_at is not null from organisation
where settings is not null and (%(name)s::text is null or name = %(name)s)
order by name

-- list --
select
    o.name, o.template, o.settings is null, o.paused_because, o.paused_at, o.due_at, o.seconds,
    o.pending, o.failures, o.summary, o.error, o.ended_at, job.status, job.worker
from organisation as o
left join lateral (
    select j.status, w.name as worker
    from procrastinate_jobs as j
    left join worker as w on w.id = j.worker_id
    where j.lock = o.name and j.status in ('todo', 'doing')
    order by j.status desc
    limit 1
) as job on true
order by o.name

-- add --
insert into organisation (name, template, settings, every)
values (%(name)s, %(template)s, %(settings)s::jsonb, %(every)s)
on conflict (name) do nothing
returning name

-- replace --
update organisation
set template = %(template)s, settings = %(settings)s::jsonb, every = %(every)s
where name = %(name)s and settings is not null
returning name

-- of_file --
insert into organisation (name, every) values (%(name)s, %(every)s)
on conflict (name) do update set every = excluded.every where organisation.settings is null

-- left_file --
delete from organisation where settings is null and not name = any(%(names)s::text[])

-- remove --
delete from organisation where name = %(name)s returning settings is null

-- pause --
update organisation
set paused_at = coalesce(paused_at, now()), paused_because = %(because)s, queued_at = null
where name = %(name)s
returning name

-- unqueue --
delete from procrastinate_jobs where lock = %(name)s and status = 'todo'

-- resume --
update organisation set paused_at = null, paused_because = '', due_at = now()
where name = %(name)s
returning name

-- hint --
-- At most one round waits; a round that is running is followed by this one.
with meant as (
    update organisation set queued_at = coalesce(queued_at, now())
    where name = %(name)s and paused_at is null
    returning name
)
insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
select
    'rounds', 'headrace.round', 50, name, name, jsonb_build_object('organisation', name)
from meant
on conflict (queueing_lock) where status = 'todo' do nothing
returning id

-- waits --
select count(*) from procrastinate_jobs where lock = %(name)s and status in ('todo', 'doing')

-- tick --
-- Queues the rounds that are due. Whoever ticks first takes the rows; another worker that ticks at
-- the same moment skips them. The next time is set now, so that an organisation whose job is lost
-- is queued again; the end of the round corrects it.
with due as (
    select o.name from organisation as o
    where o.paused_at is null and o.due_at <= now()
    and not exists (
        select 1 from procrastinate_jobs as j
        where j.lock = o.name and j.status in ('todo', 'doing')
    )
    order by o.due_at
    limit 1000
    for update of o skip locked
), moved as (
    update organisation as o
    set due_at = now() + make_interval(secs => o.every), queued_at = coalesce(o.queued_at, now())
    from due
    where o.name = due.name
    returning o.name, o.seconds
)
insert into procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
select
    'rounds', 'headrace.round', -ceil(log(2.0, greatest(seconds, 1)::numeric))::int, name, name,
    jsonb_build_object('organisation', name)
from moved
on conflict (queueing_lock) where status = 'todo' do nothing
returning id

-- age --
-- What waits moves up with its lateness, measured by how long its round takes: a round of a second
-- that is two seconds late goes before one of an hour that is ten minutes late, and every round
-- gets its turn. Priorities are logarithms, so most rows stay as they are.
update procrastinate_jobs as j set priority = aged.priority
from (
    select
        w.id,
        floor(log(
            2.0,
            ((extract(epoch from now() - o.queued_at) + 1) / greatest(o.seconds, 1))::numeric
        ))::int as priority
    from procrastinate_jobs as w
    join organisation as o on o.name = w.lock
    where w.status = 'todo' and w.priority < 50 and o.queued_at is not null
) as aged
where j.id = aged.id and j.status = 'todo' and j.priority <> aged.priority

-- stalled --
select j.id, j.lock, coalesce(w.name, 'a worker that is gone')
from procrastinate_jobs as j
left join procrastinate_workers as p on p.id = j.worker_id
left join worker as w on w.id = j.worker_id
where j.status = 'doing'
and (
    p.id is null
    or p.last_heartbeat < now() - make_interval(secs => coalesce(w.takeover, %(takeover)s))
)

-- forgotten --
-- Rounds that the queue says a worker is at work on, although it is not: it could not write their
-- end, because the database was away.
select id, lock from procrastinate_jobs
where status = 'doing' and worker_id = %(worker)s and not lock = any(%(names)s::text[])

-- drop_stalled --
-- The round gets a new job, see `hint`. A worker that was only frozen ends its job by number later,
-- and would end that of the worker that has taken over.
delete from procrastinate_jobs where id = %(id)s and status = 'doing' returning id

-- end_sessions --
-- Ends the database sessions that hold an organisation's journal: whatever a worker that does not
-- beat any more would still write is refused from here on.
select pg_terminate_backend(lock.pid)
from pg_locks as lock
where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1
and lock.mode = 'ExclusiveLock'
and (lock.classid::bigint << 32) | lock.objid::bigint = %(lock)s
and lock.database = (select oid from pg_database where datname = current_database())

-- bury --
delete from worker where not exists (
    select 1 from procrastinate_workers as p
    where p.id = worker.id
    and p.last_heartbeat > now() - make_interval(secs => 10 * worker.takeover)
)

-- enter --
insert into worker (id, name, version, at_once, takeover)
values (%(id)s, %(name)s, %(version)s, %(at_once)s, %(takeover)s)

-- leave --
delete from worker where id = %(id)s

-- beat --
update procrastinate_workers set last_heartbeat = now() where id = %(id)s returning id

-- workers --
select
    w.name, w.version, w.started_at, w.at_once, p.last_heartbeat,
    p.last_heartbeat > now() - make_interval(secs => w.takeover),
    (select count(*) from procrastinate_jobs as j where j.worker_id = w.id and j.status = 'doing')
from worker as w
join procrastinate_workers as p on p.id = w.id
order by w.name, w.id

-- began --
update organisation set queued_at = null where name = %(name)s

-- note --
insert into round (organisation, worker, started_at, ended_at, sent, pending, summary, error)
select
    name, %(worker)s, now() - make_interval(secs => %(seconds)s), now(), %(sent)s, %(pending)s,
    %(summary)s, %(error)s
from organisation where name = %(name)s

-- trim --
delete from round where organisation = %(name)s and id <= (
    select id from round where organisation = %(name)s order by id desc offset %(keep)s limit 1
)

-- ended --
update organisation set
    -- What failed is tried again after 30 s, 1 min, 2 min, and so on, at most an interval.
    due_at = now() + make_interval(secs => case
        when %(soon)s::double precision is not null then %(soon)s
        when %(error)s <> ''
            then least(greatest(every - %(seconds)s, 0), 30 * 2 ^ least(failures, 16))
        else greatest(every - %(seconds)s, 0)
    end),
    seconds = (seconds + %(seconds)s) / 2,
    pending = %(pending)s,
    failures = case when %(error)s = '' then 0 else failures + 1 end,
    summary = %(summary)s,
    error = %(error)s,
    ended_at = now(),
    worker = %(worker)s
where name = %(name)s

-- watched_by --
select name from organisation where worker = %(worker)s and paused_at is null order by name

-- history --
select started_at, ended_at, worker, sent, pending, summary, error
from round where organisation = %(name)s
order by id desc limit %(limit)s
