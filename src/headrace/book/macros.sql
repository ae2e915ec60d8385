-- What models may call. `minor_scale` is made beside these, from the ISO 4217 table.

-- A decimal, text or number in the currency's lowest division: minor('12.258', 'LYD') is 12258.
-- NULL when it is no number or leaves a remainder (a millionth is taken for the noise of floats):
-- the check on missing amounts then names the row.
-- Up to a hundred million units the product of both fits into one machine word, which is faster.
create or replace macro minor(amount, currency) as (
    case
        when try_cast(amount as decimal(14, 6)) * minor_scale(currency) % 1 = 0
        then cast(try_cast(amount as decimal(14, 6)) * minor_scale(currency) as bigint)
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

-- A text without the spaces around it, NULL when nothing is left. Most texts are ASCII and have
-- none, which is told at a fraction of the price of trimming.
create or replace macro tidy(given) as (
    case
        when given >= '!' and not suffix(given, ' ') and strlen(given) = length(given) then given
        else nullif(trim(given), '')
    end
);

-- Whether the API takes this e-mail address.
create or replace macro is_address(given) as (
    regexp_full_match(given, '[A-Za-z0-9+_''.-]+@[^@\s]+\.[^@\s.]+')
);
