// The optional power of an adapter to fetch the files that contacts send.

/// An adapter that can fetch a message's files from the provider, with the account's credentials, which it sends to
/// the provider's own hosts only.
public protocol MediaFetching: ChannelAdapter {
  /// Makes one attempt: the engine decides on further ones.
  /// - Parameter url: What ``InboundMedia/url`` said.
  func fetchMedia(at url: String) async throws(MediaFailure) -> FetchedMedia
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
}
