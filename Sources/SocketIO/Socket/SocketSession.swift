// The Socket.IO side of one connection as a value: packets go in, what to do comes out. Knows no socket and no clock.

internal import NIOCore

struct SocketSession {
  enum Action: Hashable {
    /// A client wants into a namespace that there is.
    case connect(namespace: String, auth: [UInt8]?)
    case event(namespace: String, SocketEvent)
    case acknowledged(namespace: String, id: Int, SocketArguments)
    /// The client has left a namespace.
    case left(namespace: String)
    case write(SocketFrames)
    /// The client broke a rule: end the whole connection.
    case violation(String)
    /// The client was refused too often: end the whole connection.
    case refusedTooOften
  }

  private enum Membership {
    /// Its CONNECT is being decided.
    case connecting
    case joined
    /// We have put it out: what it sent before it knew is dropped.
    case expelled
  }

  private struct Reassembly {
    var packet: SocketPacket
    var attachments: [ByteBuffer] = []
    var size = 0
  }

  private let namespaces: Set<String>
  private let limits: SocketLimits
  private var members: [String: Membership] = [:]
  private var reassembly: Reassembly?
  private var refusals = 0
  private var isEnded = false

  init(namespaces: Set<String>, limits: SocketLimits) {
    self.namespaces = namespaces
    self.limits = limits
  }

  /// Whether the client is in no namespace. One on its way in is outside still: it could be on its way for ever.
  var isOutside: Bool {
    !members.values.contains { if case .joined = $0 { true } else { false } }
  }

  // MARK: From the client

  mutating func received(_ message: EngineMessage) -> [Action] {
    guard !isEnded else { return [] }
    switch message {
    case .text(let text):
      guard reassembly == nil else { return violate("a text in place of an attachment") }
      do {
        return receive(try SocketPacket(text, maximumAttachments: limits.maximumAttachments))
      } catch {
        return violate("no packet")
      }
    case .binary(let data): return receive(data)
    }
  }

  private mutating func receive(_ attachment: ByteBuffer) -> [Action] {
    guard var pending = reassembly else { return violate("an attachment of nothing") }
    reassembly = nil
    pending.size += attachment.readableBytes
    guard pending.size <= limits.maximumAttachmentBytes else { return violate("attachments too large") }
    pending.attachments.append(attachment)
    if pending.attachments.count == pending.packet.attachments {
      return dispatch(pending.packet, pending.attachments)
    }
    reassembly = pending
    return []
  }

  private mutating func receive(_ packet: SocketPacket) -> [Action] {
    guard packet.attachments > 0 else { return dispatch(packet, []) }
    reassembly = Reassembly(packet: packet)
    return []
  }

  private mutating func dispatch(_ packet: SocketPacket, _ attachments: [ByteBuffer]) -> [Action] {
    let namespace = packet.namespace
    switch (packet.kind, members[namespace]) {
    case (.connect, nil), (.connect, .expelled): return connect(packet)
    case (.connect, _): return violate("a second CONNECT")
    case (_, .expelled): return []
    case (.disconnect, .joined):
      members[namespace] = nil
      return [.left(namespace: namespace)]
    case (.event, .joined), (.binaryEvent, .joined):
      guard case .array(let elements) = packet.payload, let name = elements.first else { return violate("no event") }
      let arguments = SocketArguments(json: Array(elements.dropFirst()), attachments: attachments)
      return [.event(namespace: namespace, SocketEvent(nameJSON: name, arguments: arguments, id: packet.id))]
    case (.acknowledgement, .joined), (.binaryAcknowledgement, .joined):
      guard case .array(let elements) = packet.payload, let id = packet.id else { return violate("no acknowledgement") }
      return [.acknowledged(namespace: namespace, id: id, SocketArguments(json: elements, attachments: attachments))]
    default: return violate("a packet for a namespace that was not joined")
    }
  }

  private mutating func connect(_ packet: SocketPacket) -> [Action] {
    guard namespaces.contains(packet.namespace) else {
      return [.write(SocketFrames(.connectError, namespace: packet.namespace, object: Self.unknownNamespace))]
    }
    members[packet.namespace] = .connecting
    guard case .object(let auth) = packet.payload else { return [.connect(namespace: packet.namespace, auth: nil)] }
    return [.connect(namespace: packet.namespace, auth: auth)]
  }

  private static let unknownNamespace = Array(#"{"message":"Invalid namespace"}"#.utf8)

  // MARK: From us

  /// A CONNECT is granted.
  /// - Parameter id: the socket's own, which is no secret.
  mutating func accept(_ namespace: String, id: String) -> [Action] {
    guard !isEnded, case .connecting = members[namespace] else { return [] }
    members[namespace] = .joined
    return [.write(SocketFrames(.connect, namespace: namespace, object: Array(#"{"sid":"\#(id)"}"#.utf8)))]
  }

  /// A CONNECT is refused.
  /// - Parameter data: JSON that goes with the words.
  mutating func refuse(_ namespace: String, message: String, data: [UInt8]?) -> [Action] {
    guard !isEnded, case .connecting = members[namespace] else { return [] }
    members[namespace] = nil
    var object = Array(#"{"message":"#.utf8) + JSONText.quoted(message)
    if let data { object += Array(#","data":"#.utf8) + data }
    let answer = SocketFrames(.connectError, namespace: namespace, object: object + [UInt8(ascii: "}")])
    refusals += 1
    isEnded = refusals >= limits.maximumRefusals
    return isEnded ? [.write(answer), .refusedTooOften] : [.write(answer)]
  }

  /// Puts the client out of a namespace.
  mutating func expel(_ namespace: String) -> [Action] {
    guard !isEnded, case .joined = members[namespace] else { return [] }
    members[namespace] = .expelled
    return [.write(SocketFrames(.disconnect, namespace: namespace))]
  }

  private mutating func violate(_ words: String) -> [Action] {
    isEnded = true
    reassembly = nil
    return [.violation(words)]
  }
}
