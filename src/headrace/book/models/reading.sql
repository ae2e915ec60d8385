-- What models may call to read amounts, days, addresses and names as people write them. Each
-- returns NULL for what it can't read for certain, so that the checks name the row.

-- An amount as people write it: money_text('1.377,58 €') is 1377.58. Takes spaces, apostrophes,
-- points and commas between thousands, signs before or after, parentheses for negative amounts, and
-- currency signs or codes. With both a point and a comma, the last one is the decimal one. A single
-- one with exactly three digits behind it could be either: NULL, unless `mark` says which it is.
create or replace macro money_text(given, mark := null) as (
    list_transform(
        [regexp_replace(
            regexp_replace(trim(given::varchar), '[\s\x{A0}\x{202F}''’]', '', 'g'),
            '^([(+−-]?)(?:\p{Sc}|[A-Z]{3})|(?:\p{Sc}|[A-Z]{3})([)−-]?)$', '\1\2', 'g')],
        lambda bare: list_transform(
            [struct_pack(
                digits := regexp_replace(bare, '[()+−-]', '', 'g'),
                negative := regexp_matches(bare, '^[−-]|[−-]$|^\(.*\)$'),
                signs := len(regexp_extract_all(bare, '[()+−-]')))],
            lambda part: case
                when part.signs > if(starts_with(bare, '('), 2, 1)
                  or regexp_matches(bare, '[()]') and not regexp_full_match(bare, '\(.*\)')
                  or not regexp_full_match(part.digits, '\d+([.,]\d+)*|[.,]\d+') then null
                else try_cast(
                    if(part.negative, '-', '') || case
                        when mark = '.' then if(
                            regexp_full_match(part.digits, '(\d{1,3}(,\d{3})*|\d*)([.]\d+)?'),
                            replace(part.digits, ',', ''), null)
                        when mark = ',' then if(
                            regexp_full_match(part.digits, '(\d{1,3}([.]\d{3})*|\d*)(,\d+)?'),
                            replace(replace(part.digits, '.', ''), ',', '.'), null)
                        when regexp_full_match(part.digits, '\d+') then part.digits
                        when regexp_full_match(part.digits,
                            '\d{1,3}([.]\d{3})+,\d+|\d*,\d{1,2}|\d{4,},\d+|\d*,\d{4,}|0,\d+')
                            then replace(replace(part.digits, '.', ''), ',', '.')
                        when regexp_full_match(part.digits,
                            '\d{1,3}(,\d{3})+[.]\d+|\d*[.]\d{1,2}|\d{4,}[.]\d+'
                            || '|\d*[.]\d{4,}|0[.]\d+')
                            then replace(part.digits, ',', '')
                        when regexp_full_match(part.digits,
                            '\d{1,3}([.]\d{3}){2,}|\d{1,3}(,\d{3}){2,}')
                            then regexp_replace(part.digits, '[.,]', '', 'g')
                    end as decimal(38, 6))
            end)[1]
    )[1]
);

-- A day as people write it: date_text('31/12/2026', 'dmy'). The order is 'dmy', 'mdy' or 'ymd'; two
-- digits of a year are of this century up to 69. ISO text is read in any order.
-- Without an order, it follows from the whole column: one value with a day above 12 decides. NULL
-- where nothing does, or values contradict each other.
create or replace macro date_in_order(given, written) as (
    list_transform(
        [regexp_extract(
            trim(given::varchar), '^(\d{1,4})[./ -](\d{1,2})[./ -](\d{1,4})([ T].*)?$',
            ['a', 'b', 'c', 'time'])],
        lambda part: case
            when regexp_full_match(trim(given::varchar), '\d{4}-\d\d-\d\d([ T].*)?')
                then try_cast(trim(given::varchar) as timestamp)
            when part.a = '' then null
            when length(part.a) = 4 or written = 'ymd'
                then try_cast(concat_ws('-', part.a, part.b, part.c) || part.time as timestamp)
            when written in ('dmy', 'mdy') then try_cast(
                concat_ws('-',
                    case when length(part.c) = 2
                         then if(part.c::integer < 70, '20', '19') || part.c else part.c end,
                    if(written = 'dmy', part.b, part.a),
                    if(written = 'dmy', part.a, part.b)) || part.time as timestamp)
        end
    )[1]
);
create or replace macro date_text(given, written) as date_in_order(given, written), (given) as
date_in_order(
    given,
    case
        when max(try_cast(regexp_extract(trim(given::varchar), '^(\d{1,2})[./ -]', 1) as integer))
                 over () > 12
         and not coalesce(max(try_cast(regexp_extract(
                 trim(given::varchar), '^\d{1,2}[./ -](\d{1,2})[./ -]', 1) as integer))
                 over () > 12, false)
            then 'dmy'
        when max(try_cast(regexp_extract(
                 trim(given::varchar), '^\d{1,2}[./ -](\d{1,2})[./ -]', 1) as integer)) over () > 12
         and not coalesce(max(try_cast(regexp_extract(
                 trim(given::varchar), '^(\d{1,2})[./ -]', 1) as integer)) over () > 12, false)
            then 'mdy'
    end
);

-- The e-mail addresses in a text, in small letters, each once, sorted: emails('a@x.io; B@y.io').
create or replace macro emails(given) as (
    list_sort(list_distinct(list_transform(
        regexp_extract_all(given::varchar, '[^\s<>,;:"()]+@[^\s<>,;:"()]+'),
        lambda one: lower(one))))
);

-- A telephone number in digits: phone('0033 (1) 23-45') is '+3312345'. Text with letters, such as
-- an extension, stays as it is.
create or replace macro phone(given) as (
    case
        when trim(given::varchar) = '' then null
        when regexp_matches(given::varchar, '[A-Za-z]') then trim(given::varchar)
        else nullif(regexp_replace(
            regexp_replace(regexp_replace(given::varchar, '\(0\)|[^0-9+]', '', 'g'), '^00', '+'),
            '(.)\+', '\1', 'g'), '')
    end
);

-- The country as the API names it, for its ISO code of two or three letters or its name in English,
-- German, French, Spanish, Italian or Dutch: country('Allemagne') is Germany. NULL when unknown.
create or replace macro country(given) as (
    (
        select max(names.name)
        from memory.book.country_names as names
        where names.known_as = strip_accents(lower(trim(given::varchar)))
    )
);
