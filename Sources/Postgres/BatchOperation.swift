// What a write lane runs.

/// A set-based write: one call takes many items and is one transaction.
public protocol BatchOperation: Sendable {
  associatedtype Item: Sendable
  associatedtype Output: Sendable

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
}
