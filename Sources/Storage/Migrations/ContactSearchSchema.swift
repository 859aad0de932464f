// Migration 25: contacts by a letter or two of their texts, by several filters at once, and by their kinds of address.

/// Trigrams say nothing of one letter or two, nor of three without three letters in a row. `text_grams` is every letter
/// of a text and every two that stand together: whatever holds a part holds the part's grams.
///
/// Labels and texts share one index, which finds who has both without reading who has either. The order of
/// `contact_channels_type` is the list's own: what few have is read from the newest on, and ends soon.
let contactSearchSchema = """
  CREATE FUNCTION text_grams(t text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_remove(string_to_array(lower(t), NULL)
      || string_to_array(regexp_replace(lower(t), '(..)', E'\\\\1\\x01', 'g'), E'\\x01')
      || string_to_array(regexp_replace(substr(lower(t), 2), '(..)', E'\\\\1\\x01', 'g'), E'\\x01'), '')
  $$;
  CREATE INDEX contact_channels_type ON contact_channels (type, contact_id DESC);
  DO $$ BEGIN
    CREATE INDEX contacts_found ON contacts USING gin (labels, text_grams(search), search gin_trgm_ops);
    CREATE INDEX contact_channels_found ON contact_channels USING gin (text_grams(address), address gin_trgm_ops);
  EXCEPTION WHEN undefined_object THEN
    -- No pg_trgm: parts of three letters and more are found by reading on.
    CREATE INDEX contacts_found ON contacts USING gin (labels, text_grams(search));
    CREATE INDEX contact_channels_found ON contact_channels USING gin (text_grams(address));
  END $$;
  -- Last: it locks out whoever reads, and the new indexes take their time.
  DROP INDEX contacts_labels;
  DROP INDEX IF EXISTS contacts_search, contact_channels_search;
  """
