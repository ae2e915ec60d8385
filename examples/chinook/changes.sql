-- Three things that happen in a day, done to a copy of the shop's database.
-- Requests that follow: 3 (one payment, one customer, one credit note).

-- 1. Invoice 411 is paid in full: USD 13.86.
insert into Payment (PaymentId, InvoiceId, PaidOn, Amount, Method)
values (1, 411, '2026-01-05', 13.86, 'CARD');

-- 2. A customer has a new e-mail address.
update Customer set Email = 'leonie.koehler@customer2.test' where CustomerId = 2;

-- 3. Half of invoice 410 is credited: USD 4.45 of 8.91.
insert into CreditNote (CreditNoteId, InvoiceId, IssuedOn, Total)
values (1, 410, '2026-01-05', 4.45);
