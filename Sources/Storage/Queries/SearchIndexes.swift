// Sorts in what the search indexes have only taken note of, before a writer has to.
//
// The list of words that are not sorted in yet is kept at 1 MB (migration 13), and whoever fills it sorts it in: of some six
// thousand messages the last waited 20 to 40 ms for it, and its batch with it.

import Postgres
import Synchronization

/// How many texts this node has written that a search index has perhaps not sorted in yet.
final class UnsortedTexts: Sendable {
  private let count = Atomic<Int>(0)
  private let refusals = Atomic<Int>(0)
  /// A search reads through those that are not sorted in: five hundred take it no time where it asks for a few words, and 13
  /// to 16 ms where it asks for two hundred endings of one (``WordEndings``).
  private static let worthSorting = 512
  /// Fewer wait until they were asked for so many times: a second.
  private static let patience = 4

  func add(_ texts: Int) { count.wrappingAdd(texts, ordering: .relaxed) }

  /// Takes them all as sorted in, if there are enough or they have waited.
  func take() -> Bool {
    let texts = count.load(ordering: .relaxed)
    guard texts > 0 else { return false }
    let refused = refusals.wrappingAdd(1, ordering: .relaxed).newValue
    guard texts >= Self.worthSorting || refused >= Self.patience else { return false }
    refusals.store(0, ordering: .relaxed)
    count.store(0, ordering: .relaxed)
    return true
  }
}

extension PostgresMessageStore {
  /// Those that this role may sort: the tables may be another's.
  private static let sort = Statement(
    "sort_search_indexes",
    """
    SELECT gin_clean_pending_list(c.oid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE i.indrelid = ANY (ARRAY['messages', 'contacts', 'contact_channels']::regclass[])
      AND a.amname = 'gin' AND i.indisvalid AND pg_has_role(c.relowner, 'USAGE')
    """)

  /// A failure is made good by the next: each sorts in whatever there is.
  public func sortSearchIndexes() async throws {
    guard writing.unsorted.take() else { return }
    try await run { _ = try $0.execute(Self.sort) }
  }
}
