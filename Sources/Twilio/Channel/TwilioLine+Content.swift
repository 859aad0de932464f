// What every channel of Twilio's carries alike.

public import ChannelProtocol

extension TwilioLine {
  /// The request for a text, a text with files, or a template.
  ///
  /// - Throws: ``SendFailure`` for other content, and for a message that says nothing.
  public func plainRequest(for message: OutboundMessage) throws(SendFailure) -> MessageRequest {
    var request = request(for: message)
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
    case .interactive:
      // It goes by the id it was deposited under, as a template; what was not is nothing that Twilio takes.
      throw .unsupportedContent("Interactive content must be deposited before it is sent over \(type).")
    case .location, .contacts, .buttonReply, .listReply, .reaction, .sticker, .unknown:
      throw .unsupportedContent("Messages of this kind cannot be sent over \(type).")
    }
    request.mediaURLs = message.mediaURLs
    if request.body?.isEmpty == true { request.body = nil }
    guard request.body != nil || !request.mediaURLs.isEmpty
    else { throw .unsupportedContent("A message needs a text or a file.") }
    return request
  }
}
