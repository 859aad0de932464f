-- What goes into the rows of batch256.sql, made and read but not written: ids that the gateway brings along, and arrays
-- of text, where it sends binary ones.
\set c random(1, 5000)
\set own :client_id % :apart
\if :ready = 0
SELECT array_agg(:body::text) AS bodies, array_agg(:raw::text) AS raws, array_agg(:message::text) AS messages, array_agg(:conversation::text) AS conversations FROM generate_series(1, 256) \gset
\set ready 1
\endif
BEGIN;
SELECT count((lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid), count(('01a204922c747f788' || i)::uuid), count(('01a204922c747a088' || i)::uuid), count('SM' || md5(n::text)), count(body), count(raw)
FROM (SELECT nextval('bench_rows') AS n, lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0') AS i, body, raw FROM unnest(:bodies::text[], :raws::text[]) WITH ORDINALITY AS u(body, raw, o)) s;
SELECT count((lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid), count(('01a204922c747f788' || i)::uuid), count(data)
FROM (SELECT nextval('bench_rows') AS n, lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0') AS i, data FROM unnest(:messages::text[]) WITH ORDINALITY AS u(data, o)) s;
SELECT count((lpad(to_hex(1794000000000 + n / 16), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid), count(('01a204922c747f788' || i)::uuid), count(data)
FROM (SELECT nextval('bench_rows') AS n, lpad(to_hex(1 + (:c::int + o * 1871) % (5000 / :apart::int) * :apart::int + :own::int), 15, '0') AS i, data FROM unnest(:conversations::text[]) WITH ORDINALITY AS u(data, o)) s;
COMMIT;
