// Migration 9: interactive content that was deposited with providers, and further names of contacts.

/// A person may write under a phone number today and under an id tomorrow: what a message says of their other names is
/// kept as aliases, which are no addresses.
///
/// Of two nodes that deposit the same content, the first row stays; the other's content is never used.
let depositSchema = """
  CREATE TABLE content_deposits (
    account_sid text COLLATE "C" NOT NULL,
    digest text COLLATE "C" NOT NULL,
    sid text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_sid, digest)
  );

  CREATE TABLE contact_aliases (
    type text COLLATE "C" NOT NULL,
    alias text COLLATE "C" NOT NULL,
    contact_id uuid NOT NULL REFERENCES contacts ON DELETE CASCADE,
    PRIMARY KEY (type, alias)
  );
  CREATE INDEX contact_aliases_contact ON contact_aliases (contact_id);
  """
