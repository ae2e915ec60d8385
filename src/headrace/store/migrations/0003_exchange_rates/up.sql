CREATE TABLE exchange_rate (
    base TEXT NOT NULL,
    currency TEXT NOT NULL,
    day TEXT NOT NULL,
    rate TEXT NOT NULL,
    PRIMARY KEY (base, currency, day)
);
