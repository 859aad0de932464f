// The body of an outbound webhook, written by hand once per attempt.

public import ChannelProtocol

/// The envelope of Standard Webhooks with our `seq` and `conversationId` beside it.
public enum WebhookBody {
  /// `{type, timestamp, data, seq, conversationId}`; `timestamp` is when the event happened, the same on every retry.
  public static func encode(_ event: Event) -> [UInt8] {
    var writer = JSONWriter(capacity: event.data.count + 192)
    writer.object { writer in
      writer.member("type", event.type.rawValue)
      writer.member("timestamp", event.at)
      writer.key("data")
      writer.raw(event.data)
      writer.key("seq")
      writer.value(event.seq)
      writer.member("conversationId", event.conversationID)
    }
    return writer.bytes
  }
}
