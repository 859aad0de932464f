-- psql variables: messages, contacts

CREATE FUNCTION pg_temp.id(at timestamptz, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
    || '8' || lpad(to_hex(n), 15, '0'))::uuid
$$;

CREATE TEMP TABLE people AS
  SELECT n, pg_temp.id(now() - interval '400 days' + n * interval '1 minute', n) AS contact,
    pg_temp.id(now() - interval '400 days' + n * interval '1 minute', n + (1 << 30)) AS conversation,
    CASE WHEN n % 10 < 7 THEN 'sms' ELSE 'whatsapp' END AS type, '+1415' || 2000000 + n AS address,
    now() - interval '400 days' + n * interval '1 minute' AS at,
    (ARRAY['Ada', 'Bob', 'Chidi', 'Dana', 'Emil', 'Fatima', 'Gus', 'Hana', 'Ivan', 'Jo'])[1 + n % 10] || ' '
      || initcap(substr(md5(n::text), 1, 7)) AS name
  FROM generate_series(1, :contacts) n;
CREATE UNIQUE INDEX ON people (n);

-- Triggers are off: what they keep of the addresses is written too.
INSERT INTO contacts (id, name, types, addresses, attributes, labels, created_at, updated_at)
  SELECT contact, name, ARRAY[type] || CASE WHEN n % 2000 = 0 THEN ARRAY['messenger'] ELSE '{}' END,
    address || CASE WHEN n % 2000 = 0 THEN E'\x01page-' || n ELSE '' END,
    CASE WHEN n % 4 = 0 THEN jsonb_build_object('plan', (ARRAY['gold', 'silver', 'basic'])[1 + n % 3], 'customer', 'C' || n)
      ELSE '{}' END,
    CASE WHEN n % 1000 = 0 THEN ARRAY['vip', 'late'] WHEN n % 2 = 0 THEN ARRAY['late'] ELSE '{}' END, at, at
  FROM people;
INSERT INTO contact_channels (id, contact_id, type, address, created_at)
  SELECT pg_temp.id(at, n + 2 * (1 << 30)::bigint), contact, type, address, at FROM people;
-- Few have a second address.
INSERT INTO contact_channels (id, contact_id, type, address, created_at)
  SELECT pg_temp.id(at, n + 4 * (1 << 30)::bigint), contact, 'messenger', 'page-' || n, at FROM people WHERE n % 2000 = 0;

CREATE TEMP TABLE words AS SELECT string_to_array(
  'hello there I would like to know when my order will arrive thanks a lot please call me back about the appointment '
  'tomorrow morning at nine your invoice number is ready for pickup we are open until late on friday and closed weekend '
  'delivery address street town code confirm cancel shipped delayed refund', ' ') AS w;

INSERT INTO messages (id, conversation_id, contact_id, channel, channel_type, inbound, sender, recipient, body, status,
    account_sid, provider_sid, segment_count, segment_encoding, raw, created_at)
  SELECT pg_temp.id(m.at, m.n), p.conversation, p.contact, p.type, p.type, m.inbound,
    CASE WHEN m.inbound THEN p.address ELSE '+15005550006' END,
    CASE WHEN m.inbound THEN '+15005550006' ELSE p.address END,
    CASE WHEN m.n BETWEEN :messages / 5 AND :messages / 4 THEN 'Our summer campaign: everything must go' ELSE
      (SELECT string_agg(w[1 + abs(hashint8(m.n * 31 + i)) % array_length(w, 1)], ' ') FROM words, generate_series(1, 4 + m.n::int % 12) i)
      || CASE WHEN m.n % 100 = 7 THEN ' quokka' WHEN m.n % 1000 = 8 THEN ' zebra' ELSE '' END
      || CASE WHEN m.n % (:messages / 7) = 9 THEN ' needle' ELSE '' END END,
    CASE WHEN m.inbound THEN 60 WHEN m.n % 1000 = 1 THEN 20 WHEN m.n % 50 = 3 THEN 42 WHEN m.n % 100 = 4 THEN 41
      WHEN m.n % (:messages / 20) = 11 THEN 43 WHEN m.n % 10 = 1 THEN 50 ELSE 40 END,
    'AC1', 'SM' || md5(m.n::text), CASE WHEN NOT m.inbound THEN 1 END, CASE WHEN NOT m.inbound THEN 'GSM-7' END,
    CASE WHEN m.inbound THEN repeat('{"MessageSid":"SM"}', 30) END, m.at
  FROM (
    SELECT n, n % 5 IN (0, 2, 4) AS inbound, now() - (:messages - n) * interval '26 seconds' AS at,
      CASE WHEN n % 53 = 0 THEN 1 ELSE 1 + (n * 7919) % :contacts END AS person
    FROM generate_series(1, :messages::bigint) n) m
  JOIN people p ON p.n = m.person;

INSERT INTO conversations (id, contact_id, channel, channel_type, address, line, archived, unread_count, last_message_id,
    last_activity_at, last_inbound_at, created_at, updated_at)
  SELECT p.conversation, p.contact, p.type, p.type, p.address, '+15005550006', p.n % 10 < 8, (p.n % 50 = 9)::int, l.id,
    coalesce(l.created_at, p.at), l.created_at, p.at, coalesce(l.created_at, p.at)
  FROM people p LEFT JOIN (
    SELECT DISTINCT ON (conversation_id) conversation_id, id, created_at FROM messages ORDER BY conversation_id, id DESC) l
  ON l.conversation_id = p.conversation;

INSERT INTO status_events (message_id, at, status, provider_status, source)
  SELECT id, created_at, 30, 'sent', 'callback' FROM messages WHERE NOT inbound;
VACUUM ANALYZE;
