// Migration 31: who writes a message need not sort its words in.

/// The list of words that are not sorted in yet was kept at 1 MB, and whoever filled it sorted it: every six thousandth
/// message or so waited 20 to 40 ms for it, and those of its batch with it. Now every node sorts them in beforehand (see
/// `SearchIndexes`); the list has room for what comes in meanwhile at the highest rate.
let pendingWordsSchema = """
  ALTER INDEX messages_words SET (gin_pending_list_limit = 4096);
  """
