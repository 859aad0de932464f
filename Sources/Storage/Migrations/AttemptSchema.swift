// Migration 21: what became of a message's calls, counted apart.

/// `attempts` counts calls begun, those the provider throttled among them. What ends a message's tries is counted for
/// itself: calls that were not processed, and calls whose outcome nobody knew.
let attemptSchema = """
  ALTER TABLE outbox ADD COLUMN transient_failures integer NOT NULL DEFAULT 0;
  ALTER TABLE outbox ADD COLUMN unknown_outcomes integer NOT NULL DEFAULT 0;
  """
