// What SMS and MMS ask of Twilio: the same call, with files or without.

import ChannelProtocol
import Twilio

enum PhoneMessage {
  /// Twilio's limit (21623).
  static let maximumMedia = 10

  static func request(for message: OutboundMessage, on line: TwilioLine) throws(SendFailure) -> MessageRequest {
    var request = line.request(for: message)
    if let template = message.template {
      request.contentSID = template.sid
      request.contentVariables = template.variables
      return request
    }
    switch message.content.kind {
    case .text(let text): request.body = message.body ?? text
    case .media(let caption): request.body = message.body ?? caption
    case .template(let sid, let variables):
      request.contentSID = sid
      request.contentVariables = variables
      return request
    case .location, .contacts, .buttonReply, .listReply, .reaction, .sticker, .interactive, .unknown:
      throw .unsupportedContent("\(line.type.rawValue.uppercased()) carries text and media only.")
    }
    guard message.mediaURLs.count <= maximumMedia
    else { throw .unsupportedContent("A message carries up to \(maximumMedia) files.") }
    request.mediaURLs = message.mediaURLs
    if request.body?.isEmpty == true, !request.mediaURLs.isEmpty { request.body = nil }
    guard request.body?.isEmpty == false || !request.mediaURLs.isEmpty
    else { throw .unsupportedContent("A message needs a text or a file.") }
    return request
  }
}
