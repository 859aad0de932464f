-- 256 messages to a transaction.
-- The columns that an inbound SMS fills, with contents of the same sizes, and its two events; no conversation is moved
-- and no order is kept, which the gateway does besides.
BEGIN;
INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body, status, account_sid, provider_sid, raw, created_at)
SELECT (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, '01a20492-2c74-7f78-809d-1f6efe08b609', '01a20492-2c74-7a08-9f2a-1e991e70430d', 'sms', 'sms', true, '+14155012345', '+15005550006', 'Message 12345: the quick brown fox, ok?', 60, 'AC0123456789abcdef0123456789abcdef', 'SM' || md5(n::text), :raw::text, now()
FROM (SELECT nextval('bench_rows') AS n FROM generate_series(1, 256)) s;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
SELECT nextval('event_seq'), (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, 'message.new', now(), '01a20492-2c74-7f78-809d-1f6efe08b609', 'sms', :message::text
FROM (SELECT nextval('bench_rows') AS n FROM generate_series(1, 256)) s;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
SELECT nextval('event_seq'), (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, 'conversation.updated', now(), '01a20492-2c74-7f78-809d-1f6efe08b609', 'sms', :conversation::text
FROM (SELECT nextval('bench_rows') AS n FROM generate_series(1, 256)) s;
COMMIT;
