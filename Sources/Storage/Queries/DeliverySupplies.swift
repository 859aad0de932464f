// What is to be delivered next, for all endpoints of a node in one round trip.

public import ChannelProtocol
import Postgres

extension PostgresMessageStore {
  private static let columns = "l.id, l.attempts, l.holds_until, l.created_at, l.order_key, l.seq"

  /// Until when a delivery that waits holds back what comes after it; null: it does not.
  private static let holds = """
    CASE WHEN b.attempts = 0 THEN b.run_at
      WHEN b.holds_until IS NULL OR b.holds_until > now() THEN least(b.run_at, b.holds_until) END
    """

  /// Along the line. What has to wait for another of its conversation is told as well: it leaves the line. Where there is
  /// nothing, that is told: nothing is put in line at or below the number that the log has been read to.
  private static let inLine = Statement(
    "load_deliveries_in_line",
    """
    SELECT q.webhook, c.seq, \(columns), l.blocked, \(eventColumns)
    FROM consumer_cursors c
    CROSS JOIN unnest($1::uuid[], $2::int8[], $3::int4[]) AS q(webhook, after, count)
    JOIN webhooks w ON w.id = q.webhook AND w.active AND w.node = $4
    LEFT JOIN LATERAL (
      SELECT d.*, (
        SELECT max(\(holds)) FROM deliveries b
        WHERE b.webhook_id = d.webhook_id AND b.order_key = d.order_key AND b.state = 1 AND b.seq < d.seq) AS blocked
      FROM deliveries d
      WHERE d.webhook_id = w.id AND d.state = 0 AND d.seq > q.after
      ORDER BY d.seq LIMIT q.count) l ON true
    LEFT JOIN events e ON e.seq = l.seq
    WHERE c.name = 'webhooks'
    ORDER BY q.webhook, l.seq
    """)

  /// Those whose time has come, the longest due first. One that is due although an earlier one of its conversation is due
  /// later is told as well: it is put off. So where one is given out, those before it are among what was given out, however
  /// few are asked for.
  private static let waiting = Statement(
    "load_deliveries_waiting",
    """
    SELECT q.webhook, \(columns), CASE WHEN l.held > l.run_at THEN l.held END, \(eventColumns)
    FROM unnest($1::uuid[], $2::int4[]) AS q(webhook, count)
    JOIN webhooks w ON w.id = q.webhook AND w.active AND w.node = $3
    CROSS JOIN LATERAL (
      SELECT d.*, (
        SELECT max(\(holds)) FROM deliveries b
        WHERE b.webhook_id = d.webhook_id AND b.order_key = d.order_key AND b.state = 1 AND b.seq < d.seq) AS held
      FROM deliveries d
      WHERE d.webhook_id = w.id AND d.state = 1 AND d.run_at <= now()
      ORDER BY d.run_at, d.seq LIMIT q.count) l
    LEFT JOIN events e ON e.seq = l.seq
    ORDER BY q.webhook, l.run_at, l.seq
    """)

  private static let nextDue = Statement(
    "next_deliveries_due",
    """
    SELECT q.webhook, d.run_at FROM unnest($1::uuid[]) AS q(webhook)
    CROSS JOIN LATERAL (
      SELECT run_at FROM deliveries d WHERE d.webhook_id = q.webhook AND d.state = 1 AND d.run_at > now()
      ORDER BY d.run_at, d.seq LIMIT 1) d
    """)

  private static let putAside = Statement(
    "put_deliveries_aside",
    """
    UPDATE deliveries d SET state = 1, run_at = u.run_at
    FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, run_at) WHERE d.id = u.id AND d.state = 0
    """)

  private static let putOff = Statement(
    "put_deliveries_off",
    """
    UPDATE deliveries d SET run_at = u.run_at
    FROM unnest($1::uuid[], $2::timestamptz[]) AS u(id, run_at)
    WHERE d.id = u.id AND d.state = 1 AND d.run_at < u.run_at
    """)

  /// Retention took the event: there is nothing left to send, and that stands among the attempts.
  private static let giveUp = Statement(
    "give_deliveries_up",
    """
    UPDATE deliveries SET state = 3, log = CASE WHEN log IS NULL THEN $2 ELSE log || ',' || $2 END
    WHERE id = ANY ($1) AND state < 2
    """)

  public func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply] {
    guard !demands.isEmpty else { return [] }
    let now = clock.now()
    return try await run { connection in
      var load = DeliveryLoad(demands)
      let answers = try connection.pipeline([
        (Self.inLine, Self.inLineParameters(demands, node)), (Self.waiting, Self.waitingParameters(demands, node)),
        (Self.nextDue, Self.endpointParameters(demands)),
      ])
      for row in answers[0] { try load.addInLine(ColumnReader(row)) }
      load.endLines()
      for row in answers[1] { try load.addWaiting(ColumnReader(row)) }
      for row in answers[2] { try load.setNextDue(ColumnReader(row)) }
      try Self.settle(load, at: now, on: connection)
      return demands.compactMap { load.supplies[$0.endpoint] }
    }
  }

  private static func settle(_ load: DeliveryLoad, at now: Timestamp, on connection: Connection) throws {
    var steps: [(Statement, Parameters)] = []
    for (statement, blocked) in [(putAside, load.blocked), (putOff, load.early)] where !blocked.isEmpty {
      var parameters = Parameters()
      parameters.identifierArray(blocked.map(\.id))
      parameters.timestampArray(blocked.map(\.until))
      steps.append((statement, parameters))
    }
    if !load.gone.isEmpty {
      var parameters = Parameters()
      parameters.identifierArray(load.gone)
      var writer = JSONWriter(capacity: 128)
      DeliveryAttempt(at: now, status: nil, latency: .zero, error: "event_gone", response: nil).write(to: &writer)
      parameters.text(String(decoding: writer.bytes, as: UTF8.self))
      steps.append((giveUp, parameters))
    }
    if !steps.isEmpty { _ = try connection.pipeline(steps) }
  }

  private static func inLineParameters(_ demands: [DeliveryDemand], _ node: Identifier) -> Parameters {
    let wanting = demands.filter { $0.inLine > 0 }
    var parameters = Parameters()
    parameters.identifierArray(wanting.map(\.endpoint))
    parameters.int8Array(wanting.map(\.after))
    parameters.int4Array(wanting.map { Int32(clamping: $0.inLine) })
    parameters.identifier(node)
    return parameters
  }

  private static func waitingParameters(_ demands: [DeliveryDemand], _ node: Identifier) -> Parameters {
    let wanting = demands.filter { $0.waiting > 0 }
    var parameters = Parameters()
    parameters.identifierArray(wanting.map(\.endpoint))
    parameters.int4Array(wanting.map { Int32(clamping: $0.waiting) })
    parameters.identifier(node)
    return parameters
  }

  private static func endpointParameters(_ demands: [DeliveryDemand]) -> Parameters {
    var parameters = Parameters()
    parameters.identifierArray(demands.map(\.endpoint))
    return parameters
  }
}

/// Rows, put together by endpoint.
private struct DeliveryLoad {
  var supplies: [Identifier: DeliverySupply]
  /// In line, and has to wait.
  var blocked: [(id: Identifier, until: Timestamp)] = []
  /// Due before another of its conversation that stands before it.
  var early: [(id: Identifier, until: Timestamp)] = []
  var gone: [Identifier] = []
  private var rowsInLine: [Identifier: Int] = [:]
  /// By endpoint, how far the log has been read.
  private var read: [Identifier: Int64] = [:]
  private var rowsWaiting: [Identifier: Int] = [:]
  private var earlyOrders: [Place: (seq: Int64, until: Timestamp)] = [:]
  private let demands: [Identifier: DeliveryDemand]

  private struct Place: Hashable {
    var endpoint: Identifier
    var order: Identifier
  }

  init(_ demands: [DeliveryDemand]) {
    supplies = Dictionary(
      demands.map { ($0.endpoint, DeliverySupply(endpoint: $0.endpoint, reached: $0.after)) },
      uniquingKeysWith: { first, _ in first })
    self.demands = Dictionary(demands.map { ($0.endpoint, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func addInLine(_ row: ColumnReader) throws {
    var reader = row
    let endpoint = try reader.identifier()
    read[endpoint] = try reader.int8()
    guard try !reader.isNextNull else { return }
    var delivery = try Head(&reader)
    let until = try reader.timestampOrNil()
    supplies[endpoint]?.reached = delivery.seq
    rowsInLine[endpoint, default: 0] += 1
    supplies[endpoint]?.hasMore = rowsInLine[endpoint, default: 0] >= demands[endpoint]?.inLine ?? 0
    if let until {
      blocked.append((delivery.id, until))
      // It may be due at once, behind the one it waits for.
      setNextDue(until, endpoint)
    } else if let due = try delivery.due(endpoint, &reader) {
      supplies[endpoint]?.inLine.append(due)
    } else {
      gone.append(delivery.id)
    }
  }

  /// Lines that were read to their end need not be read again up to where the log has been read to.
  mutating func endLines() {
    for (endpoint, seq) in read where supplies[endpoint]?.hasMore == false {
      let reached = supplies[endpoint]?.reached ?? seq
      supplies[endpoint]?.reached = max(reached, seq)
    }
  }

  mutating func addWaiting(_ row: ColumnReader) throws {
    var reader = row
    let endpoint = try reader.identifier()
    var delivery = try Head(&reader)
    let held = try reader.timestampOrNil()
    rowsWaiting[endpoint, default: 0] += 1
    supplies[endpoint]?.hasMoreWaiting = rowsWaiting[endpoint, default: 0] >= demands[endpoint]?.waiting ?? 0
    if let until = putOff(delivery, held, Place(endpoint: endpoint, order: delivery.order)) {
      early.append((delivery.id, until))
      setNextDue(until, endpoint)
    } else if let due = try delivery.due(endpoint, &reader) {
      supplies[endpoint]?.waiting.append(due)
    } else {
      gone.append(delivery.id)
    }
  }

  /// Until when a delivery has to wait, as whatever comes after it in its conversation then has to.
  private mutating func putOff(_ delivery: Head, _ held: Timestamp?, _ place: Place) -> Timestamp? {
    let before = earlyOrders[place].flatMap { $0.seq < delivery.seq ? $0.until : nil }
    guard let until = [held, before].compactMap({ $0 }).max() else { return nil }
    let known = earlyOrders[place]
    earlyOrders[place] = (min(known?.seq ?? delivery.seq, delivery.seq), max(known?.until ?? until, until))
    return until
  }

  mutating func setNextDue(_ row: ColumnReader) throws {
    var reader = row
    let endpoint = try reader.identifier()
    setNextDue(try reader.timestamp(), endpoint)
  }

  private mutating func setNextDue(_ due: Timestamp, _ endpoint: Identifier) {
    let known = supplies[endpoint]?.nextDue ?? due
    supplies[endpoint]?.nextDue = min(known, due)
  }

  /// A delivery's own columns.
  private struct Head {
    let id: Identifier
    let attempts: Int
    let holdsUntil: Timestamp?
    let createdAt: Timestamp
    let order: Identifier
    let seq: Int64

    init(_ reader: inout ColumnReader) throws {
      id = try reader.identifier()
      attempts = try reader.int4()
      holdsUntil = try reader.timestampOrNil()
      createdAt = try reader.timestamp()
      order = try reader.identifier()
      seq = try reader.int8()
    }

    /// nil: its event is gone.
    mutating func due(_ endpoint: Identifier, _ reader: inout ColumnReader) throws -> DueDelivery? {
      guard try !reader.isNextNull else { return nil }
      return DueDelivery(
        id: id, endpoint: endpoint, event: try Event(&reader), order: order, attempts: attempts,
        holdsUntil: holdsUntil, createdAt: createdAt)
    }
  }
}
