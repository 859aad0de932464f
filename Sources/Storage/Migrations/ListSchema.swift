// Migration 13: what lists and searches need to be fast among a million messages, at the least cost to the way in.

/// Messages. A status changes several times in a message's life, and an index on it would have each of these changes
/// write to every index of the table. `stage` cuts it to what is asked for: 0 waits with us, 20 is with the provider,
/// then each end by itself; it changes twice. What came in has none, so the way in writes nothing to its index.
///
/// Words are indexed as they are (`simple`: no language is known), which costs the way in half of what trigrams would.
/// The list of what is not sorted in yet is kept short: whoever fills it sorts it, and every search reads it.
///
/// Conversations. `inbox` says what the inbox's filters ask for: 0 archived, 1 archived and unread, 2 open, 3 open and
/// unread. The index that orders the list begins with it, in place of the one that does not.
///
/// Contacts. Parts of names, addresses and attributes' values are found by trigrams. Where the extension is not there,
/// or may not be made, they are found by reading on.
let listSchema = """
  ALTER TABLE messages ADD COLUMN stage smallint GENERATED ALWAYS AS (
    CASE WHEN inbound THEN NULL WHEN status < 20 THEN 0 WHEN status < 40 THEN 20 ELSE status END) STORED;
  CREATE INDEX messages_stage ON messages (stage, id DESC) WHERE stage IS NOT NULL;
  CREATE INDEX messages_recovered ON messages (id DESC) WHERE recovered;
  CREATE INDEX messages_words ON messages USING gin (to_tsvector('simple', body))
    WITH (gin_pending_list_limit = 1024) WHERE body IS NOT NULL;

  ALTER TABLE conversations ADD COLUMN inbox smallint NOT NULL GENERATED ALWAYS AS (
    CASE WHEN archived THEN 0 ELSE 2 END + CASE WHEN unread_count > 0 THEN 1 ELSE 0 END) STORED;
  DROP INDEX conversations_activity;
  CREATE INDEX conversations_inbox ON conversations (inbox, activity_bin DESC);

  CREATE FUNCTION contact_text(name text, attributes jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN attributes = '{}' THEN name ELSE concat_ws(E'\\n', name, (
      SELECT string_agg(v #>> '{}', E'\\n')
      FROM jsonb_path_query(attributes, 'strict $.** ? (@.type() == "string" || @.type() == "number")') AS v)) END
  $$;
  ALTER TABLE contacts ADD COLUMN search text GENERATED ALWAYS AS (contact_text(name, attributes)) STORED;
  CREATE INDEX contacts_labels ON contacts USING gin (labels);
  DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX contacts_search ON contacts USING gin (search gin_trgm_ops);
    CREATE INDEX contact_channels_search ON contact_channels USING gin (address gin_trgm_ops);
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
    RAISE NOTICE 'pg_trgm cannot be had: contacts are searched without an index';
  END $$;
  """
