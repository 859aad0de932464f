// An event as one line of JSON.

import ChannelProtocol
import SocketIO

/// The lines of the log sink.
enum LogLine {
  /// The line, line feed included.
  static func encode(
    _ encoded: EncodedEvent, fields: LogSinkConfiguration.Fields, kept: LogFields = LogFields()
  ) -> [UInt8] {
    let json =
      switch fields {
      case .full: encoded.json
      case .summary: summary(encoded.event, data: encoded.data)
      }
    return kept.apply(to: json) + [UInt8(ascii: "\n")]
  }

  /// `{seq, id, type, at, conversationId, messageId, status, channel}`: nothing a person wrote, no address.
  private static func summary(_ event: Event, data: [UInt8]) -> [UInt8] {
    let members = JSONMembers.values(of: ["id", "status"], in: data)
    let isMessage = event.type.rawValue.hasPrefix("message.")
    var writer = JSONWriter(capacity: 320)
    writer.object { writer in
      writer.key("seq")
      writer.value(event.seq)
      writer.member("id", event.id)
      writer.member("type", event.type.rawValue)
      writer.member("at", event.at)
      writer.member("conversationId", event.conversationID)
      writer.key("messageId")
      writer.word(isMessage ? members[0] : nil)
      writer.key("status")
      writer.word(members[1])
      writer.member("channel", event.channel)
    }
    return writer.bytes
  }
}

extension JSONWriter {
  /// A string as it was written; null for what is none.
  fileprivate mutating func word(_ value: ArraySlice<UInt8>?) {
    if let value, value.first == UInt8(ascii: "\"") { raw(value) } else { null() }
  }
}
