// What the engine asks of its database about requests that may be sent twice.

public import ChannelProtocol

/// Keeps the first answer to a request for a day, and sees to it that one request at a time is acted on.
public protocol IdempotencyStore: Sendable {
  /// Takes a key, unless its request is answered or under way.
  func claim(_ request: IdempotentRequest, lease: Duration) async throws -> IdempotencyClaim
  /// Keeps the answer. Returns false where the claim is another's by now.
  func keep(_ answer: KeptAnswer, for held: HeldRequest) async throws -> Bool
  /// Gives a claim back without an answer.
  /// - Parameter forgetting: the request left no trace. Otherwise its outcome may be unknown: the row stays, so that
  ///   who repeats it gets the same id for the resource.
  func release(_ held: HeldRequest, forgetting: Bool) async throws
  /// Removes what is older than a day.
  func expireIdempotencyKeys() async throws
}

/// A request as its key names it.
public struct IdempotentRequest: Sendable, Hashable {
  /// Whose: the API key's id.
  public var keyID: Identifier
  public var path: String
  /// The client's `Idempotency-Key`.
  public var key: String
  /// Of the body's bytes.
  public var bodyHash: [UInt8]
  /// The id that what it makes would have, were it the first.
  public var proposedID: Identifier

  public init(keyID: Identifier, path: String, key: String, bodyHash: [UInt8], proposedID: Identifier) {
    self.keyID = keyID
    self.path = path
    self.key = key
    self.bodyHash = bodyHash
    self.proposedID = proposedID
  }
}

/// A request that this node acts on until the lease ends.
public struct HeldRequest: Sendable, Hashable {
  public var request: IdempotentRequest
  public var lease: Identifier
  /// The id of what the request makes.
  public var resourceID: Identifier
  /// It was tried before, and nobody knows how that ended.
  public var isRepeated: Bool { resourceID != request.proposedID }
}

public enum IdempotencyClaim: Sendable {
  case held(HeldRequest)
  case answered(KeptAnswer)
  /// The first is being acted on.
  case inFlight
  /// The key was used with another body.
  case otherBody
}

/// An answer as it is kept; its content is sealed by whoever keeps it.
public struct KeptAnswer: Sendable, Hashable {
  public var status: Int
  public var sealed: [UInt8]

  public init(status: Int, sealed: [UInt8]) {
    self.status = status
    self.sealed = sealed
  }
}
