// What the store says of templates and of how they were fetched.

public import ChannelProtocol

/// Filters of the template list; nil: no filter.
public struct TemplateQuery: Sendable, Hashable {
  /// The provider's word for the approval.
  public var status: String?
  public var language: String?
  /// A part of the name.
  public var search: String?
  public init() {}
}

/// How the sync of an account's templates stands. The last attempt is not the last success.
public struct TemplateSyncState: Sendable, Hashable {
  public var accountSID: String
  public var lastAttemptAt: Timestamp
  public var lastSuccessAt: Timestamp?
  /// What the last attempt failed with; nil while it runs, and after it succeeded.
  public var lastError: String?
}

/// The right to sync an account's templates, for a time.
public struct TemplateSyncLease: Sendable, Hashable {
  public var accountSID: String
  public var id: Identifier
}

/// What a sync changed.
public struct TemplateSyncCounts: Sendable, Hashable {
  public var total = 0
  public var added = 0
  public var updated = 0
  public var removed = 0
  public init() {}

  public static func += (left: inout Self, right: Self) {
    left.total += right.total
    left.added += right.added
    left.updated += right.updated
    left.removed += right.removed
  }
}
