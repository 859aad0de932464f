// /api/events

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Storage

extension APIRouter {
  mutating func addEvents(_ services: APIServices) {
    on(.get, "/api/events", scope: .read) { request, _ in
      let query = try EventQuery(request)
      let reading = EventReading(store: services.store, waiters: services.eventWaiters)
      let found = try await reading.read(query)
      if query.wait != nil { try await services.checkStillAllowed(request) }
      return Response { writer in
        writer.object { writer in
          writer.member("data") { writer in
            writer.array { writer in for event in found.events { event.write(to: &writer) } }
          }
          writer.member("epoch", found.epoch)
          writer.member("last", Int(found.last))
        }
      }
    }
  }
}

extension APIServices {
  /// While a request waited, its key may have been taken back.
  fileprivate func checkStillAllowed(_ request: Request) async throws {
    let key = Authentication.key(in: request.headers) ?? ""
    guard try await store.key(hash: hasher.hash(key)) != nil else { throw Authentication.unauthorized }
  }
}

/// What `GET /api/events` is asked for.
private struct EventQuery {
  /// nil: from the oldest that is kept.
  let after: Int64?
  let epoch: Identifier?
  let limit: Int
  /// Empty: all.
  let types: Set<String>
  let wait: Duration?

  init(_ request: Request) throws(Problem) {
    var query = QueryReader(request)
    after = query.integer("after", in: 0...(1 << 53)).map { Int64($0) }
    epoch = query.identifier("epoch")
    limit = query.integer("limit", in: 1...200) ?? 50
    types = query.words("types", among: EventType.all.map(\.rawValue))
    wait = query.integer("wait", in: 0...60).map { .seconds($0) }
    try query.finish()
  }

  func asks(for event: Event) -> Bool { types.isEmpty || types.contains(event.type.rawValue) }
}

/// Reads the log from the table, oldest first, and waits for more where it is asked to.
private struct EventReading {
  struct Found {
    var events: [Event] = []
    var epoch: Identifier
    /// The number to go on after: everything up to it has been looked at.
    var last: Int64
  }

  let store: any MessageStore
  let waiters: EventWaiters
  /// Events that one request looks through for the types that it wants.
  private static let reach = 2_000
  private static let step = 500

  func read(_ query: EventQuery) async throws -> Found {
    let bounds = try await store.bounds()
    if let epoch = query.epoch, epoch != bounds.epoch {
      throw gone(bounds, "These numbers are of another log: the database was restored.")
    }
    let after = query.after ?? bounds.oldest
    guard after >= bounds.oldest else { throw gone(bounds, "Events after \(after) are no longer kept.") }
    guard after <= bounds.newest else { throw gone(bounds, "The log has not come to \(after) yet.") }
    var found = Found(epoch: bounds.epoch, last: after)
    let deadline = ContinuousClock.now + (query.wait ?? .zero)
    try await look(query, &found, bounds)
    while found.events.isEmpty, query.wait != nil, ContinuousClock.now < deadline, !Task.isCancelled {
      let before = found.last
      try await waiters.wait(beyond: before, for: deadline - .now)
      try await look(query, &found, bounds)
      // Nothing came: the time is over, or the node is stopping.
      if found.last == before { break }
    }
    return found
  }

  private func look(_ query: EventQuery, _ found: inout Found, _ bounds: EventLogBounds) async throws {
    var looked = 0
    while looked < Self.reach {
      let size = query.types.isEmpty ? query.limit : Self.step
      let events: [Event]
      do {
        events = try await store.events(after: found.last, limit: size)
      } catch let error as EventsGone {
        throw gone(
          EventLogBounds(epoch: bounds.epoch, oldest: error.oldest, newest: bounds.newest),
          "Events after \(found.last) are no longer kept.")
      }
      for event in events {
        found.last = event.seq
        guard query.asks(for: event) else { continue }
        found.events.append(event)
        if found.events.count == query.limit { return }
      }
      looked += events.count
      if events.count < size { return }
    }
  }

  private func gone(_ bounds: EventLogBounds, _ detail: String) -> Problem {
    Problem(
      .gone, "events_gone", detail,
      members: ["oldest": .integer(bounds.oldest), "epoch": .string(bounds.epoch.description)])
  }
}

extension QueryReader {
  /// Several words out of a set, by comma.
  fileprivate mutating func words(_ name: String, among known: [String]) -> Set<String> {
    guard let text = string(name, maximum: 1_000) else { return [] }
    let words = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    for word in words where !known.contains(word) {
      refuse(name, "must be one of \(known.joined(separator: ", "))")
      return []
    }
    return Set(words)
  }
}
