// What the engine asks of its database about files.

public import ChannelProtocol

/// Keeps what is known of files, the work of fetching them, and their bytes where they are kept in the database.
public protocol MediaStore: Sendable {
  /// Takes files of contacts that are due to be fetched, oldest first; nobody else is given them until the lease ends.
  func claimMedia(limit: Int, lease: Duration) async throws -> [ClaimedMedia]
  /// Keeps a claimed file's bytes. Returns false where the lease is another's by now.
  func keepMedia(_ claimed: ClaimedMedia, bytes: [UInt8]) async throws -> Bool
  /// Writes down what became of a claimed file, and tells the log where that is its end. Returns false where the lease
  /// is another's by now: then nothing was written.
  func finishMedia(_ claimed: ClaimedMedia, _ outcome: MediaOutcome) async throws -> Bool
  /// How long until a file falls due; zero or less: one is. nil: none waits.
  func nextMediaDue() async throws -> Duration?

  func mediaFile(_ id: Identifier) async throws -> MediaFile?
  /// A part of a file that is kept in the database, shorter at its end; nil where there is no such file.
  func mediaBytes(_ id: Identifier, in range: Range<Int>) async throws -> [UInt8]?
  /// Where a message's files are, in their order: the provider's URLs, or in a message of ours what was given.
  func mediaSources(of message: Identifier) async throws -> [String]
  /// Adds a file that was uploaded. `bytes` is nil where they are kept elsewhere.
  func addMedia(_ file: MediaFile, bytes: [UInt8]?) async throws

  /// Says that a file is about to be written to the disk which no row names yet; ``addMedia(_:bytes:)`` takes it back.
  /// Whoever crashes between the two leaves a file that is removed after `delay`.
  func announceFile(_ id: Identifier, removedAfter delay: Duration) async throws
  /// Removes uploads older than `age` that no message uses, `limit` of them at most, and says how many.
  func removeUnusedUploads(olderThan age: Duration, limit: Int) async throws -> Int
  /// Lets go of the bytes of files older than `age`, `limit` of them at most, and says how many.
  func expireMedia(olderThan age: Duration, limit: Int) async throws -> Int
  /// Files on the disk that no row names any more.
  func discardedFiles(limit: Int) async throws -> [Identifier]
  /// They are no longer there.
  func forgetDiscarded(_ ids: [Identifier]) async throws
}

/// Where a file's bytes are.
public enum MediaPlace: String, Sendable, Hashable { case database, disk, provider }

/// A file of a contact that this node may fetch until its lease ends.
public struct ClaimedMedia: Sendable, Hashable {
  public var id: Identifier
  public var lease: Identifier
  /// The provider's URL.
  public var url: String
  public var accountSID: String
  /// What the sender says it is.
  public var contentType: String?
  /// This one included.
  public var attempts: Int
}

public enum MediaOutcome: Sendable, Hashable {
  case ready(contentType: String, size: Int, filename: String?, place: MediaPlace)
  /// For good. The words are for a person.
  case failed(error: String)
  case retry(after: Duration, error: String)
}

/// What is known of a file.
public struct MediaFile: Sendable, Hashable {
  public var id: Identifier
  /// nil: it was uploaded, and is no message's own.
  public var messageID: Identifier?
  public var state: MediaItem.State
  public var contentType: String?
  public var size: Int?
  public var filename: String?
  /// Why it is not there, in words.
  public var error: String?
  /// nil: we never had its bytes.
  public var place: MediaPlace?
  /// The provider's URL; in a message of ours the URL that was given, or the id of an uploaded file.
  public var source: String?
  public var accountSID: String?
  public var createdAt: Timestamp

  public init(
    id: Identifier, messageID: Identifier? = nil, state: MediaItem.State, contentType: String?, size: Int?,
    filename: String?, error: String? = nil, place: MediaPlace?, source: String? = nil, accountSID: String? = nil,
    createdAt: Timestamp
  ) {
    self.id = id
    self.messageID = messageID
    self.state = state
    self.contentType = contentType
    self.size = size
    self.filename = filename
    self.error = error
    self.place = place
    self.source = source
    self.accountSID = accountSID
    self.createdAt = createdAt
  }
}
