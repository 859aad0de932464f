// A file on its way from the provider to a client: nothing of it is kept, and no more of it held than one piece.

import ChannelProtocol

/// The bytes that a client wants, of whatever the provider gives.
struct MediaPassage: Sendable {
  private let file: OpenMedia
  /// Of what comes, before the first byte that is wanted.
  let skipped: Int
  let count: Int

  /// nil: the part that comes does not hold what is wanted.
  init?(_ file: OpenMedia, wanted: Range<Int>) {
    // A provider that gives no parts gives the whole, of which we cut ours.
    let begin = file.part?.lowerBound ?? 0
    guard begin <= wanted.lowerBound, wanted.upperBound <= file.part?.upperBound ?? .max else { return nil }
    self.file = file
    skipped = wanted.lowerBound - begin
    count = wanted.count
  }

  /// Ends the transfer.
  func cancel() { file.cancel() }

  /// Gives every piece as it comes, and asks for no further one before it is taken.
  /// - Throws: ``MediaFailure`` where the file ends too early; what `take` throws.
  func run(_ take: (ArraySlice<UInt8>) async throws -> Void) async throws {
    var toSkip = skipped
    var toGive = count
    // What is left at the provider's when all is given is let go of.
    var pieces = file.pieces.makeAsyncIterator()
    while toGive > 0 {
      guard let piece = try await pieces.next(isolation: #isolation) else { throw MediaFailure.changed }
      let wanted = piece.dropFirst(toSkip).prefix(toGive)
      toSkip -= min(toSkip, piece.count)
      toGive -= wanted.count
      if !wanted.isEmpty { try await take(wanted) }
    }
  }
}
