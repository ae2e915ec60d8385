-- What identifies the server and what shapes all values, then the moment: as long as the snapshot
-- stays the same, no transaction that wrote anything has committed on the whole server.
select
    concat_ws(
        ' ',
        (select system_identifier from pg_control_system()),
        (select timeline_id from pg_control_checkpoint()),
        pg_postmaster_start_time(),
        current_database(),
        current_user,
        current_setting('DateStyle'),
        current_setting('IntervalStyle'),
        current_setting('TimeZone'),
        current_setting('extra_float_digits'),
        current_setting('lc_monetary'),
        (select md5(string_agg(enumlabel, ',' order by oid)) from pg_enum)
    ),
    pg_current_snapshot()::text,
    pg_snapshot_xmin(pg_current_snapshot())::text::int8,
    pg_snapshot_xmax(pg_current_snapshot())::text::int8
