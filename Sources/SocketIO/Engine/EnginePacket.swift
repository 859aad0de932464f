// Packets from a client, and the payloads of polling that carry several (Engine.IO protocol 4, "Packet encoding").

internal import Foundation
internal import NIOCore

enum EnginePacket: Hashable, Sendable {
  enum Kind: UInt8 {
    case open = 0x30
    case close, ping, pong, message, upgrade, noop
  }

  case close
  case ping(ByteBuffer)
  case pong
  case message(EngineMessage)
  case upgrade
  case noop

  /// What is no packet, or none that a client may send.
  struct Malformed: Error, Hashable {}

  /// A text packet.
  init(text: ByteBuffer) throws(Malformed) {
    var data = text
    guard let kind = data.readInteger(as: UInt8.self).flatMap(Kind.init(rawValue:)) else { throw Malformed() }
    switch kind {
    case .open: throw Malformed()
    case .close: self = .close
    case .ping: self = .ping(data)
    case .pong: self = .pong
    case .message: self = .message(.text(data))
    case .upgrade: self = .upgrade
    case .noop: self = .noop
    }
  }

  var isProbe: Bool {
    if case .ping(let data) = self { data.readableBytesView.elementsEqual("probe".utf8) } else { false }
  }
}

enum PollingPayload {
  /// The record separator that stands between packets.
  private static let separator: UInt8 = 0x1E

  static func encode(_ frames: [EngineFrame]) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(frames.reduce(0) { $0 + $1.size + 1 })
    for (index, frame) in frames.enumerated() {
      if index > 0 { buffer.writeInteger(separator) }
      frame.writePolling(to: &buffer)
    }
    return buffer
  }

  /// - Parameter maximum: how many packets there may be.
  static func decode(_ body: ByteBuffer, maximum: Int) throws(EnginePacket.Malformed) -> [EnginePacket] {
    let bytes = body.readableBytesView
    guard String(validating: bytes, as: UTF8.self) != nil else { throw EnginePacket.Malformed() }
    var packets: [EnginePacket] = []
    var rest: ByteBufferView? = bytes
    while let packet = rest {
      guard packets.count < maximum else { throw EnginePacket.Malformed() }
      let end = packet.firstIndex(of: separator)
      packets.append(try decode(end.map { packet[..<$0] } ?? packet))
      rest = end.map { packet[($0 + 1)...] }
    }
    return packets
  }

  private static func decode(_ packet: ByteBufferView) throws(EnginePacket.Malformed) -> EnginePacket {
    guard packet.first == UInt8(ascii: "b") else { return try EnginePacket(text: ByteBuffer(packet)) }
    guard let data = Data(base64Encoded: Data(packet.dropFirst())) else { throw EnginePacket.Malformed() }
    return .message(.binary(ByteBuffer(bytes: data)))
  }
}
