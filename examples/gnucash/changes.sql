-- Three things that happen in a day, done to a copy of the book as GnuCash would do them.
-- Requests that follow: 3 (one payment, one customer, one credit note).

-- 1. Harbour Logistics pays INV-00332 in full: EUR 1,215.49.
insert into transactions (guid, currency_guid, num, post_date, enter_date, description) values
    ('00000000000000000000000000000a01', '175e8147038f4858a5e88bd359d47b7f', 'VIR-90001',
     '2026-11-21 10:59:00', '2026-11-21 09:12:40', 'Harbour Logistics');
insert into slots (obj_guid, name, slot_type, string_val) values
    ('00000000000000000000000000000a01', 'trans-txn-type', 4, 'P');
insert into splits (guid, tx_guid, account_guid, memo, action, reconcile_state, value_num,
    value_denom, quantity_num, quantity_denom, lot_guid) values
    ('00000000000000000000000000000a02', '00000000000000000000000000000a01',
     '073da803ff4045c79f6335aab0465a99', 'payment', 'Payment', 'n', 121549, 100, 121549, 100, null),
    ('00000000000000000000000000000a03', '00000000000000000000000000000a01',
     '2cd16993804d4fbda77aae112f022411', 'payment', 'Payment', 'n', -121549, 100, -121549, 100,
     'c71e45cb47db44d4b80722a6f07d85a4');

-- 2. A customer's contact has a new e-mail address.
update customers set addr_email = 'accounts-payable@customer4.test' where id = 'C00004';

-- 3. Verrerie Belleville is credited EUR 200.00, applied to INV-00095: the note in a lot of its own,
-- and a transaction that links that lot with the invoice's.
insert into lots (guid, account_guid, is_closed) values
    ('00000000000000000000000000000c01', '2cd16993804d4fbda77aae112f022411', -1);
insert into transactions (guid, currency_guid, num, post_date, enter_date, description) values
    ('00000000000000000000000000000c02', '175e8147038f4858a5e88bd359d47b7f', 'CN-90001',
     '2026-11-21 10:59:00', '2026-11-21 09:20:01', 'Verrerie Belleville'),
    ('00000000000000000000000000000c03', '175e8147038f4858a5e88bd359d47b7f', '',
     '2026-11-21 10:59:00', '2026-11-21 09:20:30', 'Lot Link');
insert into invoices (guid, id, date_opened, date_posted, notes, active, currency, owner_type,
    owner_guid, post_txn, post_lot, post_acc) values
    ('00000000000000000000000000000c04', 'CN-90001', '2026-11-21 00:00:00', '2026-11-21 10:59:00',
     '', 1, '175e8147038f4858a5e88bd359d47b7f', 2, '507685d371df4b6a9b3de6fb1977b20c',
     '00000000000000000000000000000c02', '00000000000000000000000000000c01',
     '2cd16993804d4fbda77aae112f022411');
insert into slots (obj_guid, name, slot_type, int64_val, string_val) values
    ('00000000000000000000000000000c04', 'credit-note', 1, 1, null),
    ('00000000000000000000000000000c02', 'trans-txn-type', 4, 0, 'I'),
    ('00000000000000000000000000000c03', 'trans-txn-type', 4, 0, 'L');
insert into splits (guid, tx_guid, account_guid, memo, action, reconcile_state, value_num,
    value_denom, quantity_num, quantity_denom, lot_guid) values
    ('00000000000000000000000000000c05', '00000000000000000000000000000c02',
     '055ecaaa205045b4a7b9eb0c091800ce', 'posted', 'Credit Note', 'n', 20000, 100, 20000, 100, null),
    ('00000000000000000000000000000c06', '00000000000000000000000000000c02',
     '2cd16993804d4fbda77aae112f022411', 'posted', 'Credit Note', 'n', -20000, 100, -20000, 100,
     '00000000000000000000000000000c01'),
    ('00000000000000000000000000000c07', '00000000000000000000000000000c03',
     '2cd16993804d4fbda77aae112f022411', 'Lot Link', '', 'n', 20000, 100, 20000, 100,
     '00000000000000000000000000000c01'),
    ('00000000000000000000000000000c08', '00000000000000000000000000000c03',
     '2cd16993804d4fbda77aae112f022411', 'Lot Link', '', 'n', -20000, 100, -20000, 100,
     '2ea7fb03cdcd4a259582ecb62974ff16');
