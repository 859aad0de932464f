// The list of an endpoint's deliveries as SQL.

import ChannelProtocol
import Postgres

/// Each state has an index in the list's order: the few must not be looked for among all that were delivered. Parameters
/// are the endpoint, the number to go on below, and how many rows.
struct DeliveryList {
  private enum Part: String {
    case all, unfinished, pending, held, delivered, dead

    var condition: String {
      switch self {
      case .all: "true"
      case .unfinished, .pending: "d.state < 2"
      // What is in line is not held.
      case .held: "d.state = 1"
      case .delivered: "d.state = 2"
      case .dead: "d.state = 3"
      }
    }

    /// What is seen only by looking at the endpoint's other deliveries.
    var isHeld: Bool? {
      switch self {
      case .pending: false
      case .held: true
      case .all, .unfinished, .delivered, .dead: nil
      }
    }
  }

  private let parts: [Part]
  private let shown: String
  /// How many of those that wait are looked at before all of them are.
  private static let window = 1_000

  private static let held = """
    (d.state = 1 AND d.attempts = 0 AND EXISTS (
      SELECT FROM deliveries b
      WHERE b.webhook_id = d.webhook_id AND b.order_key = d.order_key AND b.state = 1 AND b.seq < d.seq
        AND b.attempts > 0))
    """

  /// - Parameter shown: the columns of a delivery, `d`; whether it is held follows them.
  init(_ states: Set<Delivery.State>, shown: String) {
    self.shown = shown
    guard !states.isEmpty, states.count < Delivery.State.allCases.count else {
      parts = [.all]
      return
    }
    var parts: [Part] = states.isSuperset(of: [.pending, .held]) ? [.unfinished] : []
    if parts.isEmpty, states.contains(.pending) { parts = [.pending] }
    if parts.isEmpty, states.contains(.held) { parts = [.held] }
    if states.contains(.delivered) { parts.append(.delivered) }
    if states.contains(.dead) { parts.append(.dead) }
    self.parts = parts
  }

  var steps: ListSteps {
    let name = "deliveries_" + parts.map(\.rawValue).joined(separator: "_")
    let whole = parts.map { "SELECT * FROM (\(matching($0, newest($0, "")))) d" }.joined(separator: " UNION ALL ")
    let rest = statement(name, whole)
    guard let part = parts.first, parts.count == 1, part.isHeld != nil else { return .one(rest) }
    let window = ListSteps.Window(
      "\(name)_newest", size: Self.window, source: { newest(part, "LIMIT \($0)") },
      matching: { statement($0, matching(part, $1)) })
    return .search(places: [.init(windows: [window])], rest: rest)
  }

  private func newest(_ part: Part, _ limit: String) -> String {
    // Without what must be looked for a page is cut here, by the index alone.
    let limit = part.isHeld == nil ? "LIMIT $3" : limit
    return """
      SELECT * FROM deliveries d WHERE d.webhook_id = $1 AND \(part.condition) AND d.seq < $2
      ORDER BY d.seq DESC \(limit)
      """
  }

  private func matching(_ part: Part, _ source: String) -> String {
    guard let isHeld = part.isHeld else { return source }
    return "SELECT * FROM (\(source)) d WHERE \(isHeld ? "" : "NOT ")\(Self.held) ORDER BY d.seq DESC LIMIT $3"
  }

  private func statement(_ name: String, _ source: String) -> Statement {
    Statement(
      name, "SELECT \(shown), \(Self.held) FROM (\(source)) d ORDER BY d.seq DESC LIMIT $3")
  }
}
