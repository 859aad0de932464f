// A part of a contact's name, of one of its addresses, or of a value among its attributes.

import Postgres

struct ContactSearch {
  /// The numbers of the parameters of the text and of the pattern.
  private let text: Int
  private let pattern: Int
  /// Trigrams know nothing of a text without three letters or digits in a row, and would have every entry of their
  /// index read: such a text is found by its letters, and by every two that stand together.
  private let isShort: Bool

  /// Appends the text and the pattern.
  init(_ text: String, _ parameters: inout Parameters) {
    parameters.text(text)
    self.text = parameters.count
    parameters.text("%" + text.escapedForLike + "%")
    pattern = parameters.count
    isShort = !text.split { !($0.isLetter || $0.isNumber) }.contains { $0.unicodeScalars.count > 2 }
  }

  /// A part of a statement's name.
  var name: String { isShort ? "_short_search" : "_search" }

  /// Whether a row of contacts has it, by itself or by an address: as `ILIKE` sees it, which would make the pattern small
  /// anew for each row.
  func condition(on contact: String) -> String {
    // Addresses go by ASCII, as in their own table and its index.
    """
    (lower(\(contact).search) LIKE (SELECT lower($\(pattern)))
      OR lower(\(contact).addresses COLLATE "C") LIKE (SELECT lower($\(pattern) COLLATE "C")))
    """
  }

  /// The same of the contact with the id `id`.
  func condition(onContact id: String) -> String {
    "(SELECT \(condition(on: "s")) FROM contacts s WHERE s.id = \(id) LIMIT 1)"
  }

  /// Whether a row of contacts, `s`, has it by itself; as an index finds it.
  var ofText: String { found(in: "s.search") }

  /// Whether a row of addresses, `h`, has it; as an index finds it.
  var ofAddress: String { found(in: "h.address") }

  private func found(in column: String) -> String {
    let matches = "\(column) ILIKE $\(pattern)"
    // The trigrams' index must not be asked.
    return isShort ? "text_grams(\(column)) @> text_grams($\(text)) AND (\(column) || '') ILIKE $\(pattern)" : matches
  }

  /// The ids of those that have it, some of them twice.
  /// - Parameter kind: the number of the parameter of a kind of address that they must have too.
  func candidates(kind: Int? = nil) -> String {
    let (ofContact, ofOwner) =
      kind.map { kind in
        (
          " AND $\(kind) = ANY (s.types)",
          " AND (SELECT $\(kind) = ANY (s.types) FROM contacts s WHERE s.id = h.contact_id)"
        )
      } ?? ("", "")
    return """
      SELECT s.id FROM contacts s WHERE \(ofText)\(ofContact)
      UNION ALL SELECT h.contact_id FROM contact_channels h WHERE \(ofAddress)\(ofOwner)
      """
  }
}
