-- What the rest of the API lists, beside the messages of archive.sql. psql variables: messages, contacts

CREATE OR REPLACE FUNCTION pg_temp.id(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
    || '8' || lpad(to_hex(n), 15, '0'))::uuid
$$;
-- An event each second, to the present; what makes deliveries of them goes on behind them.
BEGIN;
INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
  SELECT nextval('event_seq'), pg_temp.id(m.at, 7 * (1 << 30)::bigint + m.n),
    CASE WHEN m.n % 100000 = 5 THEN 'webhook.disabled' WHEN m.inbound THEN 'message.new' ELSE 'message.status' END, m.at,
    m.conversation_id, m.channel, json_build_object('id', m.id, 'body', m.body, 'createdAt', m.created_at)
  FROM (
    SELECT *, now() - (:messages / 2 - n) * interval '1 second' AS at FROM (
      SELECT *, row_number() OVER (ORDER BY id) AS n FROM (SELECT * FROM messages ORDER BY id DESC LIMIT :messages / 2) m) m) m
  ORDER BY m.n;
UPDATE consumer_cursors SET seq = (SELECT max(seq) FROM events) WHERE name = 'webhooks';
COMMIT;
INSERT INTO webhooks (id, url, description, secret, created_at, updated_at, active)
  SELECT pg_temp.id(now() - n * interval '1 hour', n), 'https://hooks.example.com/' || n, 'Endpoint ' || n, '\x00', now(), now(), false
  FROM generate_series(1, 300) n;
-- The first endpoint had every event; nearly all were delivered at once, some late, few never, and a stretch waits.
INSERT INTO deliveries (id, webhook_id, seq, event_id, type, order_key, state, attempts, run_at, created_at, log)
  SELECT pg_temp.id(e.at, 8 * (1 << 30)::bigint + e.seq), (SELECT id FROM webhooks ORDER BY id LIMIT 1), e.seq, e.id, e.type,
    e.conversation_id, CASE WHEN e.seq % 100000 = 7 THEN 3 WHEN e.seq > (SELECT max(seq) - 20000 FROM events) THEN 1 ELSE 2 END,
    CASE WHEN e.seq % 7 = 0 THEN 1 ELSE 0 END, now() + interval '1 hour', e.at,
    '{"at":"2026-01-01T00:00:00.000Z","status":200,"latencyMs":12.5,"error":null,"response":"ok"}'
  FROM events e;
INSERT INTO opt_outs (id, channel_type, address, scope, opted_out, source, at)
  SELECT pg_temp.id(at + interval '1 day', 9 * (1 << 30)::bigint + n), type, address, 'account', n % 9 <> 0, 'keyword', at + interval '1 day'
  FROM (SELECT row_number() OVER (ORDER BY id) AS n, type, address, created_at AS at FROM contact_channels) c WHERE n % 2 = 0;
INSERT INTO api_keys (id, name, hash, scopes, created_at)
  SELECT pg_temp.id(now() - n * interval '1 hour', n), 'key ' || n, decode(md5(n::text), 'hex'), '{read}', now() FROM generate_series(1, 2000) n;
INSERT INTO template_syncs (account_sid, last_attempt_at, last_success_at) VALUES ('AC1', now(), now()) ON CONFLICT DO NOTHING;
INSERT INTO templates (account_sid, sid, id, name, language, types, approval_status)
  SELECT 'AC1', 'HX' || md5(n::text), pg_temp.id(now() - n * interval '1 hour', n), 'template_' || n, (ARRAY['en', 'de', 'fr'])[1 + n % 3],
    '{"twilio/text": {"body": "Hello {{1}}, your order {{2}} is on its way"}}', (ARRAY['approved', 'pending', 'rejected'])[1 + n % 10 / 8]
  FROM generate_series(1, 5000) n;
INSERT INTO media (id, message_id, position, state, content_type, size, filename, created_at)
  SELECT pg_temp.id(m.created_at, 10 * (1 << 30)::bigint + n), m.id, 0, 'ready', 'image/jpeg', 12345, 'photo.jpg', m.created_at
  FROM (SELECT *, row_number() OVER (ORDER BY id DESC) AS n FROM messages) m WHERE n % 10 = 0;
UPDATE messages m SET has_media = true FROM media f WHERE f.message_id = m.id;
INSERT INTO bulks (id, channel, state, unsettled, total, created_at)
  SELECT pg_temp.id(now() - interval '100 days', 11 * (1 << 30)::bigint), 'sms', 3, false, 10000, now() - interval '100 days';
INSERT INTO bulk_recipients (bulk_id, position, state, address, body, message_id)
  SELECT (SELECT max(id::text)::uuid FROM bulks), row_number() OVER (ORDER BY id) - 1, 1, recipient, body, id
  FROM (SELECT * FROM messages WHERE body LIKE 'Our summer campaign%' AND NOT inbound ORDER BY id LIMIT 10000) m;
VACUUM ANALYZE;
CHECKPOINT;
