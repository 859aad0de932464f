// What reports say of a message beside its status: who sent it, in how many parts, at what price.

/// Each fact is that of the report that stands furthest on the message's way: a message may leave from one sender and,
/// where that one does not reach the phone, once more from another. Of two that stand equally far one is fixed, so that
/// reports commute as they do in ``StatusProjection``.
public struct ReportedFacts: Sendable, Hashable {
  /// One fact; without a rank nobody has reported it: it is what was assumed here.
  public struct Fact<Value: Sendable & Hashable>: Sendable, Hashable {
    public var value: Value?
    /// ``DeliveryStatus/rank`` of the report.
    public var rank: Int?

    public init(_ value: Value? = nil, rank: Int? = nil) {
      self.value = value
      self.rank = rank
    }

    fileprivate mutating func take(_ told: Value?, rank toldRank: Int, precedes: (Value, Value) -> Bool) {
      guard let told else { return }
      if let rank, let value {
        guard toldRank > rank || (toldRank == rank && precedes(told, value)) else { return }
      }
      value = told
      rank = toldRank
    }
  }

  public var sender: Fact<String>
  public var segmentCount: Fact<Int>
  public var price: Fact<Price>

  public init(sender: Fact<String> = .init(), segmentCount: Fact<Int> = .init(), price: Fact<Price> = .init()) {
    self.sender = sender
    self.segmentCount = segmentCount
    self.price = price
  }

  /// Takes in what a report says; nil: nothing.
  /// - Parameter status: the report's; nil: a word we do not know.
  public mutating func apply(status: DeliveryStatus?, sender: String?, segmentCount: Int?, price: Price?) {
    let rank = status?.rank ?? 0
    // A number, which a fallback leaves from, precedes the names of agents.
    self.sender.take(sender, rank: rank) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    self.segmentCount.take(segmentCount.flatMap { $0 > 0 ? $0 : nil }, rank: rank) { $0 > $1 }
    self.price.take(price, rank: rank) { Self.order($1).lexicographicallyPrecedes(Self.order($0)) }
  }

  private static func order(_ price: Price) -> [UInt8] { Array("\(price.amount) \(price.currency)".utf8) }
}
