// What the provider charged for a message.

/// An amount as the provider wrote it, without its sign: never a floating-point number.
public struct Price: Sendable, Hashable {
  /// `0.00830`
  public var amount: String
  /// `USD`
  public var currency: String

  /// - Parameter amount: a decimal number; a provider's minus says that it is charged.
  public init(amount: String, currency: String) {
    self.amount = amount.hasPrefix("-") ? String(amount.dropFirst()) : amount
    self.currency = currency.uppercased()
  }
}

extension JSONWriter {
  /// Writes `{amount, currency}`, or null.
  mutating func member(_ name: String, _ price: Price?) {
    key(name)
    guard let price else { return null() }
    object { writer in
      writer.member("amount", price.amount)
      writer.member("currency", price.currency)
    }
  }
}
