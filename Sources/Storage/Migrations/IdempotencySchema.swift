// Migration 16: requests that may be sent twice.

/// No program wrote to the table before this step. A row is claimed before the request is acted on and names the id that
/// its resource will have: whoever finds the row of a node that died looks for that resource, or makes it under that id.
/// `answer` is sealed: some answers show a secret once, and this table would keep it for a day.
let idempotencySchema = """
  DROP TABLE idempotency_keys;
  CREATE TABLE idempotency_keys (
    key_id uuid NOT NULL,
    path text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL,
    resource_id uuid NOT NULL,
    lease uuid NOT NULL,
    lease_until timestamptz NOT NULL,
    status smallint,
    answer bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (key_id, path, key)
  );
  CREATE INDEX idempotency_age ON idempotency_keys (created_at);
  """
