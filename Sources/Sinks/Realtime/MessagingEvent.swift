// What is said in the Socket.IO namespace of messages, besides the events' own JSON.

internal import ChannelProtocol
internal import SocketIO

enum MessagingEvent {
  static let namespace = "/messaging"

  /// The name of an event for Socket.IO clients. A queued message is new to them as well.
  static func name(of type: EventType) -> String {
    type == .messageQueued ? "message:new" : type.rawValue.replacing(".", with: ":")
  }

  /// The stream begins: what follows comes after `place`.
  static func ready(_ place: LogPosition) -> SocketFrames {
    event("ready") { writer in
      writer.member("epoch", place.epoch)
      writer.key("seq")
      writer.value(place.seq)
    }
  }

  /// The stream cannot go on from where the client was.
  static func reset(oldest: LogPosition) -> SocketFrames {
    event("reset") { writer in
      writer.key("oldest")
      writer.value(oldest.seq)
      writer.member("epoch", oldest.epoch)
    }
  }

  private static func event(_ name: String, _ members: (inout JSONWriter) -> Void) -> SocketFrames {
    var writer = JSONWriter(capacity: 128)
    writer.object(members)
    return SocketFrames(event: name, [writer.bytes], namespace: namespace)
  }

  // MARK: Acknowledgements

  static func sent(_ message: [UInt8]) -> SocketArguments {
    success { writer in
      writer.key("message")
      writer.raw(message)
    }
  }

  static func conversation(_ id: Identifier) -> SocketArguments {
    success { $0.member("conversationId", id) }
  }

  /// - Parameter problem: a problem document, as JSON.
  static func refused(_ problem: [UInt8]) -> SocketArguments {
    var writer = JSONWriter(capacity: problem.count + 32)
    writer.object { writer in
      writer.member("ok", false)
      writer.key("problem")
      writer.raw(problem)
    }
    return SocketArguments(json: [writer.bytes])
  }

  private static func success(_ members: (inout JSONWriter) -> Void) -> SocketArguments {
    var writer = JSONWriter(capacity: 256)
    writer.object { writer in
      writer.member("ok", true)
      members(&writer)
    }
    return SocketArguments(json: [writer.bytes])
  }
}
