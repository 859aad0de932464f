// A part of a contact's name, of one of its addresses, or of a value among its attributes.

import Postgres

struct ContactSearch {
  /// The number of the pattern's parameter.
  private let pattern: Int
  /// Trigrams know nothing of one letter or two, and would have every entry of their index read: then it is faster to
  /// read the contacts.
  private let isShort: Bool

  /// Appends the pattern.
  init(_ text: String, _ parameters: inout Parameters) {
    parameters.text("%" + text.escapedForLike + "%")
    pattern = parameters.count
    isShort = text.unicodeScalars.count < 3
  }

  /// A part of a statement's name.
  var name: String { isShort ? "_short_search" : "_search" }

  /// Whether the contact with the id `id` has it.
  func condition(on id: String) -> String {
    """
    (EXISTS (SELECT FROM contacts s WHERE s.id = \(id) AND s.search ILIKE $\(pattern))
      OR EXISTS (SELECT FROM contact_channels h WHERE h.contact_id = \(id) AND h.address ILIKE $\(pattern)))
    """
  }

  /// The ids of those that have it, and more.
  /// - Parameter labelled: the parameter of a label that they have besides.
  func candidates(labelled: Int? = nil) -> String {
    let read = isShort ? " || ''" : ""
    let label = labelled.map { " AND s.labels @> ARRAY[$\($0)]" } ?? ""
    return """
      SELECT s.id FROM contacts s WHERE (s.search\(read)) ILIKE $\(pattern)\(label)
      UNION SELECT h.contact_id FROM contact_channels h WHERE (h.address\(read)) ILIKE $\(pattern)
      """
  }
}
