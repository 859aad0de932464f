// Migration 32: a contact's row says which addresses it has.

/// The kinds of a contact's addresses, and the addresses, stand beside its labels and texts, so that whoever looks at a
/// contact reads one row and not its addresses one by one. They follow `contact_channels` by triggers, so that nodes of an
/// older version keep them too. Whoever adds an address has made the contact or locked it: the triggers wait for nobody.
///
/// No index has them, so that a contact which gets another address is written in place, where its page has room. Whoever
/// writes a message for the first time comes with them (`ConversationResolution`). `\x01` stands between two addresses, and in none.
let contactKindSchema = """
  LOCK TABLE contact_channels, contacts IN ACCESS EXCLUSIVE MODE;
  ALTER TABLE contacts SET (fillfactor = 80);
  ALTER TABLE contacts ADD COLUMN types text[] COLLATE "C" NOT NULL DEFAULT '{}';
  ALTER TABLE contacts ADD COLUMN addresses text NOT NULL DEFAULT '';

  CREATE FUNCTION gather_addresses(ids uuid[]) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    UPDATE contacts c SET types = h.types, addresses = h.addresses
    FROM unnest(ids) AS n(id) CROSS JOIN LATERAL (
      SELECT coalesce(array_agg(DISTINCT h.type), '{}') AS types,
        coalesce(string_agg(h.address, E'\\x01' ORDER BY h.id), '') AS addresses
      FROM contact_channels h WHERE h.contact_id = n.id) h
    WHERE c.id = n.id AND (c.types, c.addresses) IS DISTINCT FROM (h.types, h.addresses)
  $$;
  CREATE FUNCTION gather_changed_addresses() RETURNS trigger LANGUAGE plpgsql
  SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM gather_addresses(ARRAY(SELECT DISTINCT contact_id FROM changed));
    RETURN NULL;
  END $$;
  CREATE FUNCTION gather_moved_addresses() RETURNS trigger LANGUAGE plpgsql
  SET search_path FROM CURRENT AS $$
  BEGIN
    PERFORM gather_addresses(ARRAY[OLD.contact_id, NEW.contact_id]);
    RETURN NULL;
  END $$;
  CREATE TRIGGER contact_channels_added AFTER INSERT ON contact_channels REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION gather_changed_addresses();
  CREATE TRIGGER contact_channels_removed AFTER DELETE ON contact_channels REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION gather_changed_addresses();
  CREATE TRIGGER contact_channels_moved AFTER UPDATE OF contact_id, type, address ON contact_channels
    FOR EACH ROW EXECUTE FUNCTION gather_moved_addresses();
  """

/// Migration 33: those that were there before, some at a time, so that nobody waits for all of them. Broken off, it is
/// done again: what is right already is not written.
let knownAddresses = """
  DO $$
  DECLARE
    ids uuid[];
    done uuid := '00000000-0000-0000-0000-000000000000';
  BEGIN
    LOOP
      ids := ARRAY(SELECT id FROM contacts WHERE id > done ORDER BY id LIMIT 1000 FOR NO KEY UPDATE);
      EXIT WHEN cardinality(ids) = 0;
      PERFORM gather_addresses(ids);
      done := ids[cardinality(ids)];
      COMMIT;
    END LOOP;
  END $$
  """
