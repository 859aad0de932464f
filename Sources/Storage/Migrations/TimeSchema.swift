// Migration 10: what ends, what waits for the morning, what costs, and what the provider is asked about again.

/// What waits in the outbox ends at `expires_at`, in its states 0 and 3. `quiet_zone` is the time zone whose quiet hours
/// a message keeps; null: it keeps none.
///
/// `status_polls` holds the messages whose fate is not known for long, and those of which two were told. Nothing is
/// written to it on a message's ordinary way: `poll_scan` follows the messages by their id some minutes behind, and
/// most have ended by then.
let timeSchema = """
  ALTER TABLE outbox ADD COLUMN expires_at timestamptz;
  ALTER TABLE outbox ADD COLUMN quiet_zone text;
  CREATE INDEX outbox_expiring ON outbox (expires_at) WHERE expires_at IS NOT NULL AND state IN (0, 3);
  UPDATE outbox o SET expires_at = coalesce(m.scheduled_at, m.created_at) + make_interval(secs => m.valid_for)
    FROM messages m WHERE m.id = o.message_id AND m.valid_for IS NOT NULL;

  ALTER TABLE messages ADD COLUMN price_amount text;
  ALTER TABLE messages ADD COLUMN price_currency text;

  CREATE TABLE status_polls (
    message_id uuid PRIMARY KEY,
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    lease uuid
  );
  CREATE INDEX status_polls_due ON status_polls (run_at, message_id);

  CREATE TABLE poll_scan (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    last_id uuid
  );
  INSERT INTO poll_scan (last_id) VALUES (NULL);

  CREATE TABLE reconciliations (
    account_sid text COLLATE "C" PRIMARY KEY,
    began timestamptz NOT NULL,
    reached timestamptz NOT NULL,
    last_attempt_at timestamptz NOT NULL,
    last_success_at timestamptz,
    last_error text,
    lease uuid,
    lease_until timestamptz
  );
  """
