// Which statements this session has prepared, and under which names.

/// The prepared statements of one session. A statement is prepared once per combination of parameter types.
struct PreparedStatements {
  struct Entry {
    let sql: String
    let types: [UInt32]
    let serverName: String
    var isPrepared = false
    /// What the registry's clock showed at its last use.
    var lastUse = 0
  }

  private var entries: [String: [Entry]] = [:]
  private var count = 0
  private var counter = 0
  private var clock = 0

  /// Where a statement stands in the registry; `needsPrepare` until `markPrepared`.
  struct Handle {
    let name: String
    let variant: Int
    let serverName: String
    let needsPrepare: Bool
  }

  mutating func handle(for statement: Statement, _ parameters: Parameters) -> Handle {
    clock += 1
    let variants = entries[statement.name] ?? []
    for (index, entry) in variants.enumerated() where entry.sql == statement.sql && entry.matches(parameters) {
      entries[statement.name]?[index].lastUse = clock
      return Handle(
        name: statement.name, variant: index, serverName: entry.serverName, needsPrepare: !entry.isPrepared)
    }
    counter += 1
    count += 1
    let entry = Entry(
      sql: statement.sql, types: parameters.slots.map(\.type.rawValue), serverName: "\(statement.name)/\(counter)",
      lastUse: clock)
    entries[statement.name, default: []].append(entry)
    return Handle(name: statement.name, variant: variants.count, serverName: entry.serverName, needsPrepare: true)
  }

  mutating func markPrepared(_ handle: Handle) {
    entries[handle.name]?[handle.variant].isPrepared = true
  }

  /// The next use prepares anew under another name: its table has changed, or the server has forgotten it.
  mutating func forget(_ name: String) { count -= entries.removeValue(forKey: name)?.count ?? 0 }

  /// Forgets all but those that were used last, once there are a quarter more. Invalidates every handle.
  /// - Returns: the server's names of those that it still has.
  mutating func forgetUnused(keeping most: Int) -> [String] {
    guard count > most + most / 4 else { return [] }
    let oldest = entries.values.joined().map(\.lastUse).sorted(by: >)[most]
    var forgotten: [String] = []
    for (name, variants) in entries {
      let kept = variants.filter { $0.lastUse > oldest }
      guard kept.count < variants.count else { continue }
      forgotten += variants.filter { $0.lastUse <= oldest && $0.isPrepared }.map(\.serverName)
      entries[name] = kept.isEmpty ? nil : kept
    }
    count = most
    return forgotten
  }

  mutating func removeAll() {
    entries.removeAll()
    count = 0
  }
}

extension PreparedStatements.Entry {
  fileprivate func matches(_ parameters: Parameters) -> Bool {
    guard types.count == parameters.slots.count else { return false }
    for index in types.indices where types[index] != parameters.slots[index].type.rawValue { return false }
    return true
  }
}
