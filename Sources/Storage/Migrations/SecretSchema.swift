// Migration 35: secrets of webhooks that were replaced more than once within a day, and up to where a disabled webhook has
// collected.

/// Each goes on signing for its time, the one before the last as well: a request to rotate may be made twice where its first
/// answer was lost. `older_secrets` and `older_secrets_until` are of equal length; what is in `previous_secret` is none of
/// them.
///
/// Events are not in the order of their times, so a replay from when a webhook was disabled goes by `disabled_seq`.
let secretSchema = """
  ALTER TABLE webhooks ADD COLUMN older_secrets bytea[] NOT NULL DEFAULT '{}',
    ADD COLUMN older_secrets_until timestamptz[] NOT NULL DEFAULT '{}',
    ADD COLUMN disabled_seq bigint;
  """
