// Which statements this session has prepared, and under which names.

/// The prepared statements of one session. A statement is prepared once per combination of parameter types.
struct PreparedStatements {
  struct Entry {
    let sql: String
    let types: [UInt32]
    let serverName: String
    var isPrepared = false
  }

  private var entries: [String: [Entry]] = [:]
  private var counter = 0

  /// Where a statement stands in the registry; `needsPrepare` until `markPrepared`.
  struct Handle {
    let name: String
    let variant: Int
    let serverName: String
    let needsPrepare: Bool
  }

  mutating func handle(for statement: Statement, _ parameters: Parameters) -> Handle {
    let variants = entries[statement.name] ?? []
    for (index, entry) in variants.enumerated() where entry.sql == statement.sql && entry.matches(parameters) {
      return Handle(
        name: statement.name, variant: index, serverName: entry.serverName, needsPrepare: !entry.isPrepared)
    }
    counter += 1
    let entry = Entry(
      sql: statement.sql, types: parameters.slots.map(\.type.rawValue), serverName: "\(statement.name)/\(counter)")
    entries[statement.name, default: []].append(entry)
    return Handle(name: statement.name, variant: variants.count, serverName: entry.serverName, needsPrepare: true)
  }

  mutating func markPrepared(_ handle: Handle) {
    entries[handle.name]?[handle.variant].isPrepared = true
  }

  /// The next use prepares anew under another name: its table has changed, or the server has forgotten it.
  mutating func forget(_ name: String) { entries[name] = nil }

  mutating func removeAll() { entries.removeAll() }
}

extension PreparedStatements.Entry {
  fileprivate func matches(_ parameters: Parameters) -> Bool {
    guard types.count == parameters.slots.count else { return false }
    for index in types.indices where types[index] != parameters.slots[index].type.rawValue { return false }
    return true
  }
}
