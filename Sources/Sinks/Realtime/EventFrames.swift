// The bytes of one event as connections send them.

internal import ChannelProtocol
internal import NIOCore
internal import NIOWebSocket
internal import SocketIO
internal import Synchronization

/// The event's WebSocket frame, which holds its JSON and so its data, and what Socket.IO clients get, made of it.
final class EventFrames: Sendable {
  let webSocket: ByteBuffer
  /// Where `{seq, id, type, at, conversationId, data}` lies within the frame.
  private let jsonRange: Range<Int>
  private let dataLength: Int
  /// Made when the first Socket.IO client wants it.
  private let socketIO = Mutex<SocketFrames?>(nil)

  init(_ event: Event) {
    var writer = JSONWriter(capacity: event.data.count + Self.envelopeSize)
    event.write(to: &writer)
    let json = writer.bytes
    var frame = ByteBuffer()
    let payloadLength = Self.opening.utf8CodeUnitCount + json.count + 1
    frame.reserveCapacity(payloadLength + WebSocketFrameHeader.maximumLength)
    WebSocketFrameHeader(opcode: .text, payloadLength: payloadLength).write(to: &frame)
    frame.writeStaticString(Self.opening)
    let start = frame.writerIndex
    frame.writeBytes(json)
    jsonRange = start..<frame.writerIndex
    frame.writeStaticString("}")
    dataLength = event.data.count
    webSocket = frame
  }

  /// The event as one JSON object, sharing the frame's storage.
  var json: ByteBuffer { webSocket.getSlice(at: jsonRange.lowerBound, length: jsonRange.count) ?? ByteBuffer() }

  /// The event's data, the last member of its object.
  func withData<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    let end = jsonRange.upperBound - 1
    return try webSocket.withUnsafeReadableBytes { frame in
      try body(UnsafeRawBufferPointer(rebasing: frame[(end - dataLength)..<end]))
    }
  }

  func socketIO(_ type: EventType) -> SocketFrames {
    socketIO.withLock { frames in
      if let frames { return frames }
      let made = SocketFrames(event: MessagingEvent.name(of: type), json: json, namespace: MessagingEvent.namespace)
      frames = made
      return made
    }
  }

  /// How much memory a frame takes at most: buffers grow to powers of two.
  static func size(of event: Event) -> Int {
    let length = event.data.count + envelopeSize + opening.utf8CodeUnitCount
    return 1 << (Int.bitWidth - length.leadingZeroBitCount)
  }

  private static let opening: StaticString = #"{"type":"event","event":"#
  /// Room for what surrounds `data`.
  private static let envelopeSize = 224
}
