// A client in bytes: HTTP and WebSocket written and read by hand, so that it can break every rule.

import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A TCP connection that one test task reads from. It is closed after `deadline`, so that no read waits for ever.
final class RealtimeTestClient {
  enum Ended: Error { case early }

  struct Frame: Equatable, CustomStringConvertible {
    var opcode: UInt8
    var payload: [UInt8]
    var text: String { String(decoding: payload, as: UTF8.self) }
    var closeCode: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    var closeReason: String { String(decoding: payload.dropFirst(2), as: UTF8.self) }
    var description: String { "\(opcode): \(opcode == 8 ? "\(closeCode ?? 0) \(closeReason)" : text)" }
  }

  struct Response {
    var status: Int
    var head: String
    var body: String
    func field(_ name: String) -> String? {
      head.split(separator: "\r\n").dropFirst().first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
        .map { String($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) }
    }
  }

  let channel: any Channel
  private var iterator: AsyncStream<ByteBuffer>.Iterator
  private var buffer = ByteBuffer()
  /// The deadline has closed it, not the server.
  private let hasExpired: Flag

  private init(channel: any Channel, bytes: AsyncStream<ByteBuffer>, hasExpired: Flag) {
    self.channel = channel
    iterator = bytes.makeAsyncIterator()
    self.hasExpired = hasExpired
  }

  deinit { channel.close(promise: nil) }

  static func connect(_ port: Int, deadline: TimeAmount = .seconds(60)) async throws -> RealtimeTestClient {
    let (bytes, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .channelOption(.allowRemoteHalfClosure, value: false)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Receiver(continuation))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    let hasExpired = Flag()
    let timer = channel.eventLoop.scheduleTask(in: deadline) {
      hasExpired.raise()
      channel.close(promise: nil)
    }
    channel.closeFuture.whenComplete { _ in timer.cancel() }
    return RealtimeTestClient(channel: channel, bytes: bytes, hasExpired: hasExpired)
  }

  private final class Flag: Sendable {
    private let value = Atomic(false)
    var isUp: Bool { value.load(ordering: .relaxed) }
    func raise() { value.store(true, ordering: .relaxed) }
  }

  private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let continuation: AsyncStream<ByteBuffer>.Continuation
    init(_ continuation: AsyncStream<ByteBuffer>.Continuation) { self.continuation = continuation }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { continuation.yield(unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  // MARK: Bytes

  func write(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }
  func write(_ text: String) async throws { try await write(Array(text.utf8)) }

  private func more() async throws {
    guard var next = await iterator.next() else { throw Ended.early }
    buffer.discardReadBytes()
    buffer.writeBuffer(&next)
  }

  /// Whether the server closes without another byte.
  func isAtEnd() async -> Bool {
    guard buffer.readableBytes == 0, await iterator.next() == nil else { return false }
    return !hasExpired.isUp
  }

  // MARK: HTTP

  static func request(_ target: String = "/ws", method: String = "GET", fields: [String] = []) -> String {
    ([method + " " + target + " HTTP/1.1", "Host: localhost"] + fields + ["", ""]).joined(separator: "\r\n")
  }

  /// An upgrade as RFC 6455 section 1.3 shows it, with further fields.
  static func upgrade(_ target: String = "/ws", fields: [String] = []) -> String {
    request(
      target,
      fields: [
        "Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ] + fields)
  }

  func response(hasBody: Bool = true) async throws -> Response {
    while true {
      let text = String(decoding: buffer.readableBytesView, as: UTF8.self)
      if let end = text.firstRange(of: "\r\n\r\n") {
        let head = String(text[..<end.lowerBound])
        buffer.moveReaderIndex(forwardBy: head.utf8.count + 4)
        var response = Response(status: Int(head.split(separator: " ")[1]) ?? 0, head: head, body: "")
        let length = hasBody ? response.field("content-length").flatMap { Int($0) } ?? 0 : 0
        while buffer.readableBytes < length { try await more() }
        response.body = buffer.readString(length: length) ?? ""
        return response
      }
      try await more()
    }
  }

  /// Connects and upgrades with a key.
  static func open(_ port: Int, key: String? = "sender") async throws -> RealtimeTestClient {
    let client = try await connect(port)
    try await client.write(upgrade(fields: key.map { ["Authorization: Bearer \($0)"] } ?? []))
    let response = try await client.response(hasBody: false)
    try #require(response.status == 101)
    return client
  }

  // MARK: Frames

  static func frame(
    _ payload: [UInt8], opcode: UInt8 = 1, fin: Bool = true, masked: Bool = true, reserved: UInt8 = 0
  ) -> [UInt8] {
    var bytes: [UInt8] = [(fin ? 0x80 : 0) | reserved | opcode]
    let mark: UInt8 = masked ? 0x80 : 0
    switch payload.count {
    case ...125: bytes.append(mark | UInt8(payload.count))
    case ...0xFFFF: bytes += [mark | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
      bytes.append(mark | 127)
      for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 0xFF)) }
    }
    guard masked else { return bytes + payload }
    let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    bytes += mask
    for (index, byte) in payload.enumerated() { bytes.append(byte ^ mask[index % 4]) }
    return bytes
  }

  static func frame(_ text: String) -> [UInt8] { frame(Array(text.utf8)) }

  func send(_ text: String) async throws { try await write(Self.frame(text)) }

  func frame() async throws -> Frame {
    while true {
      if let frame = parse() { return frame }
      try await more()
    }
  }

  /// The next text frame; pings are answered.
  func text() async throws -> String {
    while true {
      let frame = try await frame()
      if frame.opcode == 9 {
        try await write(Self.frame(frame.payload, opcode: 10))
        continue
      }
      try #require(frame.opcode == 1, "\(frame)")
      return frame.text
    }
  }

  /// The number of the next event.
  func event() async throws -> Int64 {
    let text = try await text()
    return try #require(Self.number("seq", in: text.hasPrefix(#"{"type":"event","#) ? text : ""), "\(text)")
  }

  static func number(_ name: String, in text: String) -> Int64? {
    guard let start = text.firstRange(of: "\"\(name)\":") else { return nil }
    return Int64(text[start.upperBound...].prefix { $0.isNumber })
  }

  private func parse() -> Frame? {
    var copy = buffer
    guard let first = copy.readInteger(as: UInt8.self), let second = copy.readInteger(as: UInt8.self) else {
      return nil
    }
    var length = Int(second & 0x7F)
    if length == 126 {
      guard let extended = copy.readInteger(as: UInt16.self) else { return nil }
      length = Int(extended)
    } else if length == 127 {
      guard let extended = copy.readInteger(as: UInt64.self) else { return nil }
      length = Int(extended)
    }
    guard let payload = copy.readBytes(length: length) else { return nil }
    buffer = copy
    return Frame(opcode: first & 0x0F, payload: payload)
  }
}
