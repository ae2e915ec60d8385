-- What models may call. `minor_scale` and `processor_scale` are made beside these, by `scales.py`.
-- Those that most columns go through are as short as can be, because in a small book binding them
-- takes longer than calling them; `macros_for_many.sql` has those that are faster to call.

-- A decimal, text or number in the currency's lowest division: minor('12.258', 'LYD') is 12258.
-- NULL when it is no number or leaves a remainder (a millionth is taken for the noise of floats):
-- the check on missing amounts then names the row.
create or replace macro minor(amount, currency) as (
    case
        when abs(try_cast(amount as decimal(38, 6))) < 900000000000000
         and try_cast(amount as decimal(38, 6)) * minor_scale(currency) % 1 = 0
        then cast(try_cast(amount as decimal(38, 6)) * minor_scale(currency) as bigint)
    end
);

-- The same for a ratio of two whole numbers, exactly: minor_of_fraction(2500, 100, 'EUR') is 2500.
create or replace macro minor_of_fraction(numerator, denominator, currency) as (
    case
        when try_cast(denominator as hugeint) > 0
         and (try_cast(numerator as hugeint) * minor_scale(currency))
           % try_cast(denominator as hugeint) = 0
        then try_cast(
            (try_cast(numerator as hugeint) * minor_scale(currency))
            // try_cast(denominator as hugeint) as bigint)
    end
);

-- For messages: money(-1205, 'EUR') is 'EUR -12.05'. The list binds the scale once: the engine
-- would plan its search anew at each mention.
create or replace macro money(amount, currency) as (
    list_transform([minor_scale(currency)::integer], lambda scale:
        currency || ' ' || if(amount < 0, '-', '') || (abs(amount) // scale)
        || if(scale = 1, '', '.' || lpad(
            (abs(amount) % scale)::varchar, length(scale::varchar)::integer - 1, '0'))
    )[1]
);

-- A text without the spaces around it, NULL when nothing is left.
create or replace macro tidy(given) as (nullif(trim(given), ''));

-- Whether the API takes this e-mail address.
create or replace macro is_address(given) as (
    regexp_full_match(given, '[A-Za-z0-9+_''.-]+@[^@\s]+\.[^@\s.]+')
);

-- As minor, with what is finer than the currency's lowest division rounded, halves away from zero
-- or to the even neighbour, as the organisation's `rounding` says: minor_rounded('106.7545', 'EUR')
-- is 10675. Text and decimals are rounded once, as they are written; of doubles a millionth counts
-- as noise, so 0.145 is a half although none can hold it.
create or replace macro minor_rounded(amount, currency) as (
    list_transform(
        [case when abs(try_cast(amount as decimal(38, 6))) < 900000000000000 then
            if(
                typeof(amount) in ('DOUBLE', 'FLOAT'),
                try_cast(try_cast(amount as decimal(38, 6)) as decimal(38, 18)),
                try_cast(amount as decimal(38, 18))
            ) * minor_scale(currency)
        end],
        lambda exact: cast(
            round(exact, 0) - if(
                rounding_rule() = 'half_even'
                    and abs(exact - trunc(exact)) = 0.5 and round(exact, 0) % 2 <> 0,
                sign(exact), 0) as bigint)
    )[1]
);

-- An amount that a payment processor counts in minor units, in the currency's lowest division:
-- minor_units(1200000, 'ISK', 'stripe') is 12000. 'iso' where they are the same. NULL when it is
-- no whole number or leaves a remainder; an error for a processor that is not known.
create or replace macro minor_units(amount, currency, processor) as (
    case
        when try_cast(amount as decimal(38, 6)) % 1 = 0
         and (try_cast(try_cast(amount as decimal(38, 6)) as hugeint) * minor_scale(currency))
           % processor_scale(currency, processor) = 0
        then try_cast(
            (try_cast(try_cast(amount as decimal(38, 6)) as hugeint) * minor_scale(currency))
            // processor_scale(currency, processor) as bigint)
    end
);

-- A text without the decimals of a whole number: '7.00' is '7', '7.50' and 'A.0' stay.
create or replace macro whole_text(given) as (
    regexp_replace(given, '^(-?[0-9]+)\.0+$', '\1')
);

-- A number as an id is written: plain_id(7.0) is '7', for 'C' || plain_id(client). Of a float NULL
-- when it is not whole; text stays as it is. Models need it only where they put ids together;
-- external ids themselves are written so by the engine.
create or replace macro plain_id(given) as (
    case
        when typeof(given) in ('DOUBLE', 'FLOAT') then try_cast(case
            when abs(try_cast(given as double)) < 9007199254740992
             and try_cast(given as double) % 1 = 0
            then try_cast(given as bigint) end as varchar)
        else whole_text(cast(given as varchar))
    end
);

-- A text as an id: tidied, and a whole number without decimals, as exports of columns with gaps
-- write it.
create or replace macro tidy_id(given) as (nullif(whole_text(trim(given)), ''));

-- The JSON object that a text holds, also where it was encoded twice; an empty list is an object
-- without names, as PHP writes it. NULL for anything else, broken JSON too.
create or replace macro json_once(given) as (
    case when json_valid(given) then
        if(json_type(given) = 'VARCHAR', json_extract_string(given, '$'), given) end
);
create or replace macro json_object_of(given) as (
    list_transform([json_once(json_once(json_once(given)))], lambda inner_text:
        case when json_valid(inner_text) then
            case
                when json_type(inner_text) = 'OBJECT' then json(inner_text)::varchar
                when json_type(inner_text) = 'ARRAY' and json_array_length(inner_text) = 0 then '{}'
            end
        end
    )[1]
);

-- The country's English name for its code of two or three letters; anything else as it is.
create or replace macro country_name(code_or_name) as (
    coalesce(
        (
            select max(countries.name)
            from memory.book.countries as countries
            where countries.code = upper(trim(code_or_name))
        ),
        code_or_name
    )
);
