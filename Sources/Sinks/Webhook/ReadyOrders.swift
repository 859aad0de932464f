// Orders that have something to go and nothing under way, as a value.

import ChannelProtocol
import DequeModule

/// Kept by what goes first in each, and let go in turns: neither what a pause has left nor what keeps failing stands in
/// front of what is new.
struct ReadyOrders: Sendable {
  enum Kind: Int, Sendable, CaseIterable {
    case fresh
    /// What a pause has left: it has a pace of its own.
    case backlog
    /// It has failed before.
    case retried
  }

  private var orders = Array(repeating: Deque<Identifier>(), count: Kind.allCases.count)
  /// Whose turn it is.
  private var turn = 0

  var isEmpty: Bool { orders.allSatisfy(\.isEmpty) }

  /// The kind that has its turn after `step` others.
  func kind(after step: Int) -> Kind { Kind.allCases[(turn + step) % Kind.allCases.count] }

  mutating func append(_ order: Identifier, _ kind: Kind) { orders[kind.rawValue].append(order) }

  func first(_ kind: Kind) -> Identifier? { orders[kind.rawValue].first }

  /// The one with the least, the longest ready of several.
  func least(_ kind: Kind, by count: (Identifier) -> Int) -> Identifier? {
    orders[kind.rawValue].min { count($0) < count($1) }
  }

  /// Takes one; the next turn is another kind's.
  mutating func take(_ order: Identifier, _ kind: Kind) {
    turn = (kind.rawValue + 1) % Kind.allCases.count
    if orders[kind.rawValue].first == order {
      orders[kind.rawValue].removeFirst()
    } else if let index = orders[kind.rawValue].firstIndex(of: order) {
      orders[kind.rawValue].remove(at: index)
    }
  }

  /// Looks at all of them anew.
  mutating func sort(_ kind: (Identifier) -> Kind) {
    let all = orders.flatMap { $0 }
    orders = Array(repeating: Deque(), count: Kind.allCases.count)
    for order in all { append(order, kind(order)) }
  }

  /// What goes first in one of them has changed.
  mutating func sort(_ order: Identifier, _ kind: Kind) {
    for index in orders.indices {
      if let place = orders[index].firstIndex(of: order) { orders[index].remove(at: place) }
    }
    append(order, kind)
  }
}
