// Which open connections wait for their next request, as a value.

import NIOCore

/// Idle connections by origin, newest first, bounded in number and age.
struct IdleConnections<Connection: Sendable>: Sendable {
  /// Scheme, host and port: connections are shared within one and never across.
  struct Origin: Sendable, Hashable {
    var scheme: EndpointURL.Scheme
    var host: EndpointURL.Host
    var port: Int

    init(_ url: EndpointURL) {
      scheme = url.scheme
      host = url.host
      port = url.port
    }
  }

  private struct Entry: Sendable {
    var connection: Connection
    var retiresAt: NIODeadline
  }

  let limit: Int
  let perOrigin: Int
  private var entries: [Origin: [Entry]] = [:]
  private(set) var count = 0

  init(limit: Int, perOrigin: Int) {
    self.limit = limit
    self.perOrigin = perOrigin
  }

  /// Takes the connection that was used last, if one is left that may still be used.
  /// - Returns: it, and connections that are too old and to be closed.
  mutating func take(_ origin: Origin, now: NIODeadline) -> (connection: Connection?, expired: [Connection]) {
    var expired: [Connection] = []
    while let entry = entries[origin]?.popLast() {
      count -= 1
      if entry.retiresAt > now { return (entry.connection, expired) }
      expired.append(entry.connection)
    }
    entries[origin] = nil
    return (nil, expired)
  }

  /// Keeps a connection.
  /// - Parameter retiresAt: when it is not to be used any more.
  /// - Returns: connections to be closed, for which there is no room: this one, or others of its origin that are older.
  mutating func put(_ connection: Connection, origin: Origin, retiresAt: NIODeadline, now: NIODeadline) -> [Connection]
  {
    var released: [Connection] = []
    if count >= limit { released = removeExpired(now: now) }
    guard count < limit, retiresAt > now else { return released + [connection] }
    entries[origin, default: []].append(Entry(connection: connection, retiresAt: retiresAt))
    count += 1
    if let held = entries[origin], held.count > perOrigin {
      released.append(held[0].connection)
      entries[origin]?.removeFirst()
      count -= 1
    }
    return released
  }

  /// Empties it.
  mutating func removeAll() -> [Connection] {
    defer {
      entries = [:]
      count = 0
    }
    return entries.values.flatMap { $0.map(\.connection) }
  }

  private mutating func removeExpired(now: NIODeadline) -> [Connection] {
    var expired: [Connection] = []
    for (origin, held) in entries {
      let live = held.filter { $0.retiresAt > now }
      expired += held.filter { $0.retiresAt <= now }.map(\.connection)
      entries[origin] = live.isEmpty ? nil : live
    }
    count -= expired.count
    return expired
  }
}
