// What followed the first schema: how conversations move, and messages that wait.

/// Every message moves its conversation to the front of the list. An index on the time itself would have each of these
/// updates write to every index of the table; with the time cut to five seconds most of them change no index at all
/// (a heap-only update). Lists sort within the few rows of one such bin.
let activitySchema = """
  ALTER TABLE conversations ADD COLUMN activity_bin timestamptz NOT NULL
    GENERATED ALWAYS AS (date_bin('5 seconds', last_activity_at, to_timestamp(0))) STORED;
  DROP INDEX conversations_activity;
  CREATE INDEX conversations_activity ON conversations (activity_bin DESC);
  CREATE INDEX parked_statuses_age ON parked_statuses (at);
  """

/// A held message waits in the outbox, in state 3, for its conversation's contact to write.
let holdingSchema = """
  CREATE INDEX opt_outs_by_address ON opt_outs (address, id DESC);
  ALTER TABLE outbox ADD COLUMN held_for uuid;
  CREATE INDEX outbox_held ON outbox (held_for) WHERE held_for IS NOT NULL;
  """
