// Fetches a file that a contact sent.

import ChannelProtocol
import HTTPTypes

extension TwilioClient {
  /// The largest file a channel carries (WhatsApp and RCS: 16 MB).
  public static let maximumMediaSize = 16 * 1_024 * 1_024

  /// Fetches a webhook's `MediaUrl…`: from Twilio's API with credentials, then, where that redirects to a short-lived
  /// URL, once more without: the storage behind refuses them (FACTS section 4).
  public func media(at url: String) async throws(TwilioFailure) -> TwilioMediaFile {
    guard let first = hosts.mediaURL(url, account: accountSID)
    else { throw .api(TwilioAPIError(status: 400, message: "The URL is not that of a file in our account at Twilio.")) }
    var (response, body) = try await exchange(.get, first, headers: [.accept: "*/*"], body: [], authorized: true)
    if response.status.kind == .redirection {
      guard let second = response.headerFields[.location].flatMap({ hosts.redirectURL($0) }) else {
        throw .api(TwilioAPIError(status: response.status.code, message: "The redirect leads to no host of Twilio's."))
      }
      (response, body) = try await exchange(.get, second, headers: [.accept: "*/*"], body: [], authorized: false)
    }
    guard response.status.kind == .successful else { throw .api(TwilioAPIError(response, body: body)) }
    guard body.count <= Self.maximumMediaSize
    else { throw .api(TwilioAPIError(status: 413, message: "The file is larger than any channel carries.")) }
    return TwilioMediaFile(contentType: response.headerFields[.contentType], bytes: body)
  }
}
