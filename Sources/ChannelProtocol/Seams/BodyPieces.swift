// A body as it comes over the wire, piece by piece.

/// The pieces of a body, in their order; none is empty for a reason.
public protocol BodyPieces: AsyncSequence, Sendable where Element == [UInt8], Failure == TransportFailure {}

extension BodyPieces {
  /// The whole body, if it is no larger than `limit`: of one that is, no more than that is ever held.
  public func collect(upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    var iterator = makeAsyncIterator()
    while let piece = try await iterator.next(isolation: #isolation) {
      guard bytes.count + piece.count <= limit else {
        throw TransportFailure(
          mayHaveArrived: true, message: "the answer has more than \(limit) bytes", isTooLarge: true)
      }
      bytes += piece
    }
    return bytes
  }

  /// Reads to the end, and says how much there was; stops beyond `limit`.
  public func count(upTo limit: Int) async throws(TransportFailure) -> Int {
    var count = 0
    var iterator = makeAsyncIterator()
    while count <= limit, let piece = try await iterator.next(isolation: #isolation) { count += piece.count }
    return count
  }
}

/// Pieces that are there already.
public struct GivenPieces: BodyPieces {
  public typealias Element = [UInt8]
  public typealias Failure = TransportFailure

  private let pieces: [[UInt8]]

  public init(_ pieces: [[UInt8]]) { self.pieces = pieces }

  public func makeAsyncIterator() -> Iterator { Iterator(rest: pieces[...]) }

  public struct Iterator: AsyncIteratorProtocol {
    fileprivate var rest: ArraySlice<[UInt8]>

    public mutating func next(isolation: isolated (any Actor)?) async throws(TransportFailure) -> [UInt8]? {
      rest.popFirst()
    }
  }
}
