// Events as lines of JSON.

import ChannelProtocol

/// The lines of the log sink.
enum LogLine {
  /// The lines in one piece, line feeds included.
  static func encode(
    _ events: [EncodedEvent], fields: LogSinkConfiguration.Fields, kept: LogFields = LogFields()
  ) -> [UInt8] {
    var lines = JSONWriter(capacity: events.count * summarySize)
    for event in events {
      if kept.isEverything {
        write(event, fields, to: &lines)
      } else {
        var line = JSONWriter(capacity: summarySize)
        write(event, fields, to: &line)
        lines.raw(kept.apply(to: line.bytes))
      }
      lines.endLine()
    }
    return lines.bytes
  }

  private static func write(
    _ event: EncodedEvent, _ fields: LogSinkConfiguration.Fields, to writer: inout JSONWriter
  ) {
    switch fields {
    case .full: event.write(to: &writer)
    case .summary: event.withData { summarise(event.event, LogWords($0), to: &writer) }
    }
  }

  /// `{seq, id, type, at, conversationId, messageId, status, channel}`: nothing a person wrote, no address.
  private static func summarise(_ event: Event, _ words: LogWords, to writer: inout JSONWriter) {
    let isMessage = event.type.rawValue.hasPrefix("message.")
    writer.object { writer in
      writer.key("seq")
      writer.value(event.seq)
      writer.member("id", event.id)
      writer.member("type", event.type.rawValue)
      writer.member("at", event.at)
      writer.member("conversationId", event.conversationID)
      writer.key("messageId")
      writer.word(isMessage ? words.id : nil)
      writer.key("status")
      writer.word(words.status)
      writer.member("channel", event.channel)
    }
  }

  /// About the length of a summary.
  private static let summarySize = 320
}

extension JSONWriter {
  fileprivate mutating func word(_ value: UnsafeRawBufferPointer?) {
    if let value { raw(value) } else { null() }
  }
}
