// The tables of outbound webhooks.

let webhooksSchema = """
  CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    url text NOT NULL,
    description text,
    events text[] NOT NULL DEFAULT '{}',
    channels text[] NOT NULL DEFAULT '{}',
    headers jsonb NOT NULL DEFAULT '{}',
    active boolean NOT NULL DEFAULT true,
    disabled_reason text,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until timestamptz,
    created_at timestamptz NOT NULL
  );

  -- state 0: pending; 1: held; 2: delivered; 3: dead.
  CREATE TABLE deliveries (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    order_key uuid NOT NULL,
    state smallint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL,
    first_due_at timestamptz NOT NULL,
    lease uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    UNIQUE (webhook_id, seq)
  ) WITH (fillfactor = 80);
  CREATE INDEX deliveries_order ON deliveries (webhook_id, order_key, seq) WHERE state = 0;
  CREATE INDEX deliveries_due ON deliveries (webhook_id, run_at, seq) WHERE state = 0;
  CREATE INDEX deliveries_list ON deliveries (webhook_id, id DESC);

  CREATE TABLE delivery_attempts (
    delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    at timestamptz NOT NULL,
    status smallint,
    latency_us bigint NOT NULL,
    error text,
    response text,
    PRIMARY KEY (delivery_id, at)
  );
  """
