// What a write lane runs.

/// A set-based write: one call takes many items and is one transaction.
public protocol BatchOperation: Sendable {
  associatedtype Item: Sendable
  associatedtype Output: Sendable
  /// What ``start(_:in:)`` leaves for the rest of a batch.
  associatedtype Start = Never

  /// Stands in metrics and logs.
  var name: String { get }
  /// Items per transaction, at most.
  var maximumBatch: Int { get }

  /// Writes the items in one transaction that is committed (or rolled back) when this returns.
  ///
  /// It may be run again with the same items, or with some of them, after a failure whose outcome is unknown: items
  /// carry their own ids, and what is there already counts as written. An error of data or constraints (and
  /// `.invalidValue`) makes the lane split the batch until only the faulty items fail.
  ///
  /// - Returns: one result per item, in their order.
  func execute(_ items: [Item], on connection: Connection) throws -> [Result<Output, any Error>]

  /// Sends the first statements of a batch behind the commit of the one before it, whose answer nobody has yet: so the
  /// server is never without work. `BEGIN` is the first; it must have no effect but in this transaction.
  ///
  /// The transaction is rolled back, and the items written by ``execute(_:on:)``, should the batch before it fail, or
  /// something else need the connection first.
  ///
  /// - Returns: what ``execute(_:from:in:on:)`` goes on from; nil, with nothing sent: the items have to wait.
  func start(_ items: [Item], in unit: Pipeline) throws -> Start?

  /// As ``execute(_:on:)``, from where ``start(_:in:)`` left off.
  func execute(
    _ items: [Item], from start: Start, in unit: Pipeline, on connection: Connection
  ) throws -> [Result<Output, any Error>]
}

extension BatchOperation where Start == Never {
  public func start(_ items: [Item], in unit: Pipeline) -> Never? { nil }

  public func execute(
    _ items: [Item], from start: Never, in unit: Pipeline, on connection: Connection
  ) -> [Result<Output, any Error>] {}
}
