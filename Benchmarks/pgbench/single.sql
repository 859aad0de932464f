-- One message to a transaction.
-- The rows that the gateway writes for an inbound SMS: the message, its two events, the conversation moved. Contents come
-- from the client, as they do to the gateway; only ids are made on the server, because pgbench cannot. Neither looked up
-- nor kept: whose conversation it is, the order of the log, who is to be told.
\set c random(1, 5000)
BEGIN;
INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body, status, account_sid, provider_sid, raw, created_at)
SELECT (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, ('01a204922c747f788' || lpad(to_hex(:c::int), 15, '0'))::uuid, ('01a204922c747a088' || lpad(to_hex(:c::int), 15, '0'))::uuid, 'sms', 'sms', true, '+14155012345', '+15005550006', :body::text, 60, 'AC0123456789abcdef0123456789abcdef', 'SM' || md5(n::text), :raw::text, now()
FROM (SELECT nextval('bench_rows') AS n) s;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
SELECT nextval('event_seq'), (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, 'message.new', now(), ('01a204922c747f788' || lpad(to_hex(:c::int), 15, '0'))::uuid, 'sms', :message::text
FROM (SELECT nextval('bench_rows') AS n) s;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
SELECT nextval('event_seq'), (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, 'conversation.updated', now(), ('01a204922c747f788' || lpad(to_hex(:c::int), 15, '0'))::uuid, 'sms', :conversation::text
FROM (SELECT nextval('bench_rows') AS n) s;
UPDATE conversations SET unread_count = unread_count + 1, archived = false, last_message_id = ('01a204922c747f788' || lpad(to_hex(:c::int), 15, '0'))::uuid, channel = 'sms', last_activity_at = now(), last_inbound_at = now(), updated_at = now()
WHERE id = ('01a204922c747f788' || lpad(to_hex(:c::int), 15, '0'))::uuid;
COMMIT;
