// Migration 18: endpoints with settings of their own, deliveries by one node at a time, replays.

/// `state` 0: in line; 1: waits for its time; 2: delivered; 3: dead. What fails, and what has to wait for it, leaves the
/// line, so that whoever goes along the line reads nothing twice; the indexes of those that wait are empty in good times.
/// The attempts stand in the delivery's own row, as JSON objects with a comma between them: nearly all have one, and a
/// row of a table of its own for each was a third of the work. Ids are made in order of time: retention and paging go by
/// them.
let deliverySchema = """
  ALTER TABLE webhooks
    ADD COLUMN timeout_ms integer,
    ADD COLUMN concurrency integer,
    ADD COLUMN rate_limit double precision,
    ADD COLUMN updated_at timestamptz,
    ADD COLUMN resumed_at timestamptz,
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN node uuid,
    ADD COLUMN lease_until timestamptz;
  UPDATE webhooks SET updated_at = created_at;
  ALTER TABLE webhooks ALTER COLUMN updated_at SET NOT NULL;

  -- PostgreSQL has a function of its own from version 18 on.
  CREATE FUNCTION uuid_of_time(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(set_bit(set_bit(overlay(
      uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3) FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
  $$;

  ALTER TABLE deliveries ADD COLUMN holds_until timestamptz, ADD COLUMN log text;
  UPDATE deliveries d SET log = (
    SELECT string_agg(json_build_object(
        'at', to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'status', a.status,
        'latencyMs', a.latency_us / 1000.0, 'error', a.error, 'response', a.response)::text, ',' ORDER BY a.at)
    FROM delivery_attempts a WHERE a.delivery_id = d.id);
  DROP TABLE delivery_attempts;
  UPDATE deliveries SET id = uuid_of_time(created_at), state = CASE WHEN state = 0 AND attempts > 0 THEN 1 ELSE state END;
  DROP INDEX deliveries_order, deliveries_due, deliveries_list;
  ALTER TABLE deliveries DROP COLUMN first_due_at, DROP COLUMN lease, DROP COLUMN lease_until;
  CREATE INDEX deliveries_pending ON deliveries (webhook_id, seq) WHERE state < 2;
  CREATE INDEX deliveries_due ON deliveries (webhook_id, run_at, seq) WHERE state = 1;
  CREATE INDEX deliveries_order ON deliveries (webhook_id, order_key, seq) WHERE state = 1;
  CREATE INDEX deliveries_dead ON deliveries (webhook_id, seq) WHERE state = 3;
  ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);

  -- Times nearly follow the numbers: a summary of each block's times costs writers next to nothing.
  CREATE INDEX events_at ON events USING brin (at) WITH (autosummarize = on);

  CREATE TABLE webhook_replays (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    next_seq bigint NOT NULL,
    last_seq bigint NOT NULL,
    created_at timestamptz NOT NULL
  );
  """
