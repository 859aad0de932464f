// What the server says on a WebSocket, besides events (those are encoded once, in `EncodedEvent`).

internal import ChannelProtocol

/// The JSON of the server's frames.
enum ServerFrame {
  /// The stream begins: what follows comes after `place`.
  static func ready(_ place: LogPosition) -> [UInt8] {
    frame("ready") { writer in
      writer.member("epoch", place.epoch)
      writer.key("seq")
      writer.value(place.seq)
    }
  }

  /// The stream cannot go on from where the client was.
  /// - Parameter oldest: the earliest place that can be resumed from.
  static func reset(oldest: LogPosition) -> [UInt8] {
    frame("reset") { writer in
      writer.key("oldest")
      writer.value(oldest.seq)
      writer.member("epoch", oldest.epoch)
    }
  }

  /// - Parameter message: the Message resource, as JSON.
  static func acknowledgement(ref: String?, message: [UInt8]) -> [UInt8] {
    frame("ack", capacity: message.count + 128) { writer in
      writer.member("ref", ref)
      writer.key("message")
      writer.raw(message)
    }
  }

  /// - Parameter problem: a problem document, as JSON.
  static func error(ref: String?, problem: [UInt8]) -> [UInt8] {
    frame("error", capacity: problem.count + 128) { writer in
      writer.member("ref", ref)
      writer.key("problem")
      writer.raw(problem)
    }
  }

  static let pong = frame("pong") { _ in }

  private static func frame(
    _ type: String, capacity: Int = 128, _ members: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: capacity)
    writer.object { writer in
      writer.member("type", type)
      members(&writer)
    }
    return writer.bytes
  }
}
