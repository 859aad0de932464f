// What a Socket.IO client may say in the namespace of messages.

internal import ChannelProtocol
internal import SocketIO

/// What a client brings when it comes: `{token, after?, epoch?}`.
struct MessagingCredentials: Hashable {
  var token: String
  var after: Int64?
  var epoch: String?

  /// - Parameter auth: a JSON object.
  init(_ auth: [UInt8]?) throws(ProblemDocument) {
    guard let members = auth.flatMap({ JSONMembers($0) }), let value = members["token"] else {
      throw .unauthorized
    }
    guard let token = JSONMembers.text(of: value), !token.isEmpty else { throw .unauthorized }
    self.token = token
    if let value = members["after"] {
      guard let number = JSONMembers.integer(of: value), number >= 0 else {
        throw .invalid("after", "is not a whole number of 0 or more")
      }
      after = number
    }
    if let value = members["epoch"] {
      guard let text = JSONMembers.text(of: value) else { throw .invalid("epoch", "is not a string") }
      epoch = text
    }
  }
}

enum MessagingRequest: Hashable {
  case join(Identifier)
  case leave(Identifier)
  /// The message is the JSON object of `POST /api/messages`.
  case send(message: [UInt8], idempotencyKey: String?)

  init(_ event: SocketEvent) throws(ProblemDocument) {
    let members = event.arguments.json.first.flatMap { JSONMembers($0) }
    switch event.name {
    case "conversation:join": self = .join(try Self.conversation(members))
    case "conversation:leave": self = .leave(try Self.conversation(members))
    case "message:send":
      guard let members else { throw .badRequest("The argument is not a JSON object.") }
      self = .send(message: Self.message(members), idempotencyKey: try Self.idempotencyKey(members))
    default:
      throw .invalid("event", "is none of conversation:join, conversation:leave, message:send")
    }
  }

  private static func conversation(_ members: JSONMembers?) throws(ProblemDocument) -> Identifier {
    guard let members else { throw .badRequest("The argument is not a JSON object.") }
    for member in members.members where member.name != "conversationId" {
      throw .invalid(member.name, "is not a field of this event")
    }
    guard let value = members["conversationId"] else { throw .invalid("conversationId", "is required") }
    guard let text = JSONMembers.text(of: value), let id = Identifier(text[...]) else {
      throw .invalid("conversationId", "is not a conversation's id")
    }
    return id
  }

  private static func idempotencyKey(_ members: JSONMembers) throws(ProblemDocument) -> String? {
    guard let value = members["idempotencyKey"] else { return nil }
    guard let key = JSONMembers.text(of: value), (1...255).contains(key.utf8.count),
      key.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { throw .invalid("idempotencyKey", "is not 1 to 255 printable ASCII characters") }
    return key
  }

  /// The object without our own member, the others as they were written: the same bytes for the same message.
  private static func message(_ members: JSONMembers) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.object { writer in
      for member in members.members where member.name != "idempotencyKey" {
        writer.key(member.name)
        writer.raw(Array(member.value))
      }
    }
    return writer.bytes
  }
}
