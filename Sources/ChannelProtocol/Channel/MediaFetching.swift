// The optional power of an adapter to fetch the files that contacts send.

/// An adapter that can fetch a message's files from the provider, with the account's credentials, which it sends to
/// the provider's own hosts only.
public protocol MediaFetching: ChannelAdapter {
  /// Makes one attempt, and gives the file as soon as it begins to come: the engine decides on further attempts.
  /// - Parameters:
  ///   - url: What ``InboundMedia/url`` said.
  ///   - part: The bytes that are wanted; nil: all. A provider that gives no parts gives the whole.
  ///   - deadline: How long the file may take to its end.
  func openMedia(
    at url: String, part: Range<Int>?, deadline: Duration
  ) async throws(MediaFailure) -> OpenMedia
}

extension MediaFetching {
  /// A whole file in memory.
  /// - Parameter limit: Bytes; a larger one is no file of a channel's.
  public func fetchMedia(
    at url: String, limit: Int = 16 << 20, deadline: Duration = .seconds(30)
  ) async throws(MediaFailure) -> FetchedMedia {
    let file = try await openMedia(at: url, part: nil, deadline: deadline)
    guard (file.size ?? 0) <= limit else { throw .tooLarge }
    do {
      return FetchedMedia(
        contentType: file.contentType, filename: file.filename, bytes: try await file.pieces.collect(upTo: limit))
    } catch {
      throw MediaFailure(error)
    }
  }
}

/// A file that is coming.
public struct OpenMedia: Sendable {
  /// The provider's word, unchecked; nil: none.
  public var contentType: String?
  public var filename: String?
  /// Of the whole file; nil: the provider does not say.
  public var size: Int?
  /// Which bytes of it come; nil: all.
  public var part: Range<Int>?
  /// Is read once; letting go of it ends the transfer.
  public var pieces: any BodyPieces
  /// Ends the transfer, whoever waits for a piece of it.
  public var cancel: @Sendable () -> Void

  public init(
    contentType: String?, filename: String? = nil, size: Int? = nil, part: Range<Int>? = nil,
    pieces: any BodyPieces, cancel: @escaping @Sendable () -> Void = {}
  ) {
    self.contentType = contentType
    self.filename = filename
    self.size = size
    self.part = part
    self.pieces = pieces
    self.cancel = cancel
  }
}

/// A file as the provider gave it.
public struct FetchedMedia: Sendable, Hashable {
  /// The provider's word, unchecked; nil: none.
  public var contentType: String?
  public var filename: String?
  public var bytes: [UInt8]

  public init(contentType: String?, filename: String? = nil, bytes: [UInt8]) {
    self.contentType = contentType
    self.filename = filename
    self.bytes = bytes
  }
}

/// Why a file was not fetched: whether it may succeed later, and words for a person.
public struct MediaFailure: Error, Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// May succeed later: not there yet, too fast, the provider or the way to it is away.
    case transient(retryAfter: Duration?)
    /// Will never succeed: gone, refused, too large, not the provider's.
    case permanent
  }

  public var kind: Kind
  /// A stable word: `not_found`, `too_large`, …
  public var code: String
  /// Never the URL or the file's contents.
  public var message: String

  public init(_ kind: Kind, code: String, message: String) {
    self.kind = kind
    self.code = code
    self.message = message
  }

  /// There was no answer, or it broke off.
  public init(_ failure: TransportFailure) {
    if failure.isTooLarge {
      self = .tooLarge
    } else {
      self.init(.transient(retryAfter: nil), code: "no_answer", message: failure.message)
    }
  }

  public static let tooLarge = MediaFailure(
    .permanent, code: "too_large", message: "The file is larger than any channel carries.")
}
