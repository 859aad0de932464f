// Migration 2: the event log.

/// The log is numbered under an advisory lock that is taken last (see `append_events`), so that a number becomes
/// visible only after every smaller one. It is partitioned by number, so that a tail query touches one partition and
/// retention drops whole ones. The sequence is explicit because identity columns on partitioned tables need
/// PostgreSQL 17.
let eventLogSchema = """
  CREATE SEQUENCE event_seq;

  CREATE TABLE events (
    seq bigint NOT NULL PRIMARY KEY,
    id uuid NOT NULL,
    type text NOT NULL,
    at timestamptz NOT NULL,
    conversation_id uuid,
    channel text,
    data text NOT NULL
  ) PARTITION BY RANGE (seq);

  CREATE TABLE log_epoch (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch uuid NOT NULL
  );
  INSERT INTO log_epoch (epoch) VALUES (gen_random_uuid());

  CREATE TABLE consumer_cursors (
    name text PRIMARY KEY,
    seq bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
  );
  INSERT INTO consumer_cursors (name, seq) VALUES ('webhooks', 0);

  CREATE FUNCTION ensure_event_partitions(ahead integer) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    size constant bigint := 1000000;
    current bigint;
    n bigint;
  BEGIN
    SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END / size INTO current FROM event_seq;
    FOR n IN current .. current + ahead LOOP
      IF to_regclass('events_' || n) IS NULL THEN
        PERFORM pg_advisory_xact_lock(7310577382525465187);
        EXECUTE format('CREATE TABLE IF NOT EXISTS events_%s PARTITION OF events FOR VALUES FROM (%s) TO (%s)',
          n, n * size, (n + 1) * size);
      END IF;
    END LOOP;
  END $$;
  SELECT ensure_event_partitions(2);

  -- The last statement of every unit of work that makes events. One call: it has all its data before it takes the
  -- lock, and nothing but the commit follows, so no client can sit on the lock.
  CREATE FUNCTION append_events(
    ids uuid[], types text[], ats timestamptz[], conversations uuid[], channels text[], bodies text[]
  ) RETURNS bigint LANGUAGE plpgsql AS $$
  DECLARE
    newest bigint;
  BEGIN
    PERFORM pg_advisory_xact_lock(7310577382525465186);
    INSERT INTO events (seq, id, type, at, conversation_id, channel, data)
      SELECT nextval('event_seq'), e.* FROM unnest(ids, types, ats, conversations, channels, bodies) AS e;
    newest := currval('event_seq');
    PERFORM pg_notify('fractal_events', newest::text);
    RETURN newest;
  END $$;

  -- Ends a session that holds the log lock and waits for its client: one that froze in the middle of its last packet.
  CREATE FUNCTION break_log_lock(after interval) RETURNS integer LANGUAGE sql AS $$
    SELECT count(*)::integer FROM (
      SELECT pg_terminate_backend(a.pid)
      FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid::bigint << 32 | l.objid::bigint) = 7310577382525465186
        AND a.wait_event = 'ClientRead' AND a.query_start < now() - after
    ) terminated
  $$;
  """
