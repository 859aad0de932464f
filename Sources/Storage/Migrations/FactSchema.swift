// Migration 22: facts that commute, prices that come late, and messages that the provider keeps for who opts out.

/// `fact_ranks` says how far the reports stood that a message's sender, parts and price are of (``FactRanks``).
///
/// `poll_scan.last_priced_id` follows the messages as `last_id` does, an hour behind. `scheduled_at` is never updated, so
/// its index costs a status nothing.
let factSchema = """
  ALTER TABLE messages ADD COLUMN fact_ranks smallint NOT NULL DEFAULT 0;
  ALTER TABLE poll_scan ADD COLUMN last_priced_id uuid;
  CREATE INDEX messages_scheduled ON messages (conversation_id, scheduled_at) WHERE scheduled_at IS NOT NULL;
  """
