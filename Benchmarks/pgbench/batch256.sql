-- 256 messages to a transaction, as arrays through unnest.
-- The rows that the gateway writes for an inbound SMS: the message, its two events, the conversation moved. Contents come
-- from the client, as they do to the gateway; only ids are made on the server, because pgbench cannot. Neither looked up
-- nor kept: whose conversation it is, the order of the log, who is to be told.
-- Conversations are scattered as the gateway's senders are, by a step that has no divisor in common with their number, so
-- that each transaction has 256 different ones; clients beside each other have conversations of their own, where there
-- are enough (`apart` clients), and move them last in any case, so that they wait for little.
\set c random(1, 5000)
\set own :client_id % :apart
\if :ready = 0
-- Once for each client: what pgbench is to send, longer than a command line may be.
SELECT array_agg(:body::text) AS bodies, array_agg(:raw::text) AS raws, array_agg(:message::text) AS messages, array_agg(:conversation::text) AS conversations FROM generate_series(1, 256) \gset
\set ready 1
\endif
BEGIN;
INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body, status, account_sid, provider_sid, raw, created_at)
SELECT (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, ('01a204922c747f788' || i)::uuid, ('01a204922c747a088' || i)::uuid, 'sms', 'sms', true, '+14155012345', '+15005550006', body, 60, 'AC0123456789abcdef0123456789abcdef', 'SM' || md5(n::text), raw, now()
FROM (SELECT nextval('bench_rows') AS n, lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0') AS i, body, raw FROM unnest(:bodies::text[], :raws::text[]) WITH ORDINALITY AS u(body, raw, o)) s;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
SELECT nextval('event_seq'), (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, 'message.new', now(), ('01a204922c747f788' || i)::uuid, 'sms', data
FROM (SELECT nextval('bench_rows') AS n, lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0') AS i, data FROM unnest(:messages::text[]) WITH ORDINALITY AS u(data, o)) s;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
SELECT nextval('event_seq'), (lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid, 'conversation.updated', now(), ('01a204922c747f788' || i)::uuid, 'sms', data
FROM (SELECT nextval('bench_rows') AS n, lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0') AS i, data FROM unnest(:conversations::text[]) WITH ORDINALITY AS u(data, o)) s;
UPDATE conversations SET unread_count = unread_count + 1, archived = false, last_message_id = t.id, channel = 'sms', last_activity_at = now(), last_inbound_at = now(), updated_at = now()
FROM (SELECT ('01a204922c747f788' || lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0'))::uuid AS id FROM generate_series(1, 256) AS o ORDER BY 1) t WHERE conversations.id = t.id;
COMMIT;
