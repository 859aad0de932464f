// What Twilio's answers to a fetch of a file mean.

public import ChannelProtocol

extension TwilioChannel {
  public func openMedia(
    at url: String, part: Range<Int>?, deadline: Duration
  ) async throws(MediaFailure) -> OpenMedia {
    do {
      return try await line.client.openMedia(at: url, part: part, deadline: deadline)
    } catch {
      throw MediaFailure(error)
    }
  }
}

extension MediaFailure {
  /// A file may be missing (404) for some seconds after its message's webhook; credentials (401) are being rotated now
  /// and then; everything else that Twilio refuses, it refuses for good.
  public init(_ failure: TwilioFailure) {
    switch failure {
    case .transport(let failure): self.init(failure)
    case .unreadable(_, let message):
      self.init(.transient(retryAfter: nil), code: "unreadable", message: message)
    case .api(let error):
      let code =
        switch error.status {
        case 401, 403: "refused"
        case 404: "not_found"
        case 410: "gone"
        case 413: "too_large"
        default: "provider_error"
        }
      let kind: Kind =
        switch error.status {
        case 401, 404, 408, 425, 429, 500...: .transient(retryAfter: error.retryAfter)
        default: .permanent
        }
      self.init(kind, code: code, message: error.message ?? "Twilio answered \(error.status).")
    }
  }
}
