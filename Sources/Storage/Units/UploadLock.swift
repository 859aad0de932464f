// Uploaded files that a message is about to use: whether they are still there, decided in the message's own transaction.

import ChannelProtocol
import Postgres

/// A message names an uploaded file that is no longer kept.
public struct UploadGone: Error, Sendable, Hashable {
  /// As the message names it.
  public var source: String

  public init(source: String) { self.source = source }
}

enum UploadLock {
  /// Whoever removes unused files passes over those that are locked, and looks again at the others once it has locked
  /// them.
  private static let lock = Statement(
    "lock_uploads",
    """
    SELECT id FROM media WHERE id = ANY ($1::uuid[]) AND message_id IS NULL AND state = 'ready' ORDER BY id FOR SHARE
    """)

  /// Locks the uploads of `items`, in a transaction that has begun.
  /// - Returns: by index, the first upload of each item that is not there.
  static func missing(in items: [OutboundRecord], on connection: Connection) throws -> [Int: String] {
    let ids = Set(items.flatMap { $0.uploads.values.map(\.id) })
    guard !ids.isEmpty else { return [:] }
    var parameters = Parameters()
    parameters.identifierArray(ids.sorted())
    let there = Set(try connection.execute(lock, parameters).map { Identifier(try $0.uuid(0)) })
    var missing: [Int: String] = [:]
    for (index, item) in items.enumerated() {
      missing[index] = item.media.first { source in item.uploads[source].map { !there.contains($0.id) } ?? false }
    }
    return missing
  }
}
