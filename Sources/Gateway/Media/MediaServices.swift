// What the routes and the sending side need of files.

import ChannelProtocol
import Storage

struct MediaServices: Sendable {
  let answer: MediaAnswer
  let shelf: MediaShelf
  let links: MediaLinks
}

extension MessageIntake {
  /// What is known of the uploaded files that a request names.
  /// - Throws: ``Problem`` where one of them is none.
  func uploads(in request: SendRequest) async throws -> [String: MediaFile] {
    var uploads: [String: MediaFile] = [:]
    for (index, source) in request.media.enumerated() {
      guard let id = Identifier(source) else { continue }
      guard let file = try await store.mediaFile(id), file.messageID == nil else {
        throw Problem.invalid("media[\(index)]", "is not the id of an uploaded file")
      }
      uploads[source] = file
    }
    return uploads
  }
}

extension SendingContext {
  /// The URL a provider can fetch, from one that was given or an uploaded file's id.
  func mediaURL(_ source: String) -> String {
    guard let mediaLinks, let id = Identifier(source) else { return source }
    return mediaLinks.url(id, now: clock.now())
  }
}
