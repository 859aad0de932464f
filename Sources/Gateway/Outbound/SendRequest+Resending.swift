// A message that was sent, as a request to send it again.

import ChannelProtocol

extension SendRequest {
  /// - Parameter media: where its files are.
  init(resending message: Message, media: [String]) {
    to = message.to
    impliedType = nil
    channel = message.channel ?? message.channelType.rawValue
    body = message.body
    self.media = media
    template = message.template
    content = nil
    scheduledAt = nil
    validFor = nil
    replyTo = message.replyTo
    metadata = message.metadata
    resendOf = message.id
    switch message.content.kind {
    // The body and the files say it all.
    case .text, .media: break
    // Where it stood in for a text, its values hold the text.
    case .template: if message.template == nil { content = message.content } else { body = nil }
    case .location: content = message.content
    // Its plain words are made of it again.
    default:
      content = message.content
      body = nil
    }
  }
}
