// Clients that are slow on purpose, and what is no HTTP.

import ChannelProtocol
import Foundation
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import Testing

@testable import Gateway

@Suite("Slow clients")
struct ConnectionGuardTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private let limits = ConnectionDeadlines.Limits(
    head: .seconds(15), body: .seconds(30), bodyRate: 16 << 10, write: .seconds(60), idle: .seconds(75))

  @Test("only waiting for the client has an end: idle, headers, body; never an answer")
  func deadlines() {
    var deadlines = ConnectionDeadlines(limits: limits, at: start)
    #expect(deadlines.deadline == start + .seconds(75))
    deadlines.bytesCame(at: start + .seconds(70))
    #expect(deadlines.deadline == start + .seconds(85))
    deadlines.bytesCame(at: start + .seconds(84))
    #expect(deadlines.deadline == start + .seconds(85), "a byte now and then gains nothing")
    deadlines.headCame(at: start + .seconds(84))
    #expect(deadlines.deadline == start + .seconds(114))
    deadlines.bytesCame(at: start + .seconds(100))
    #expect(deadlines.deadline == start + .seconds(114))
    deadlines.bodyCame(160 << 10)
    #expect(deadlines.deadline == start + .seconds(124), "a large body has longer, as long as it comes")
    deadlines.requestEnded(at: start + .seconds(120))
    #expect(deadlines.deadline == nil, "a long poll may take its time")
    deadlines.bytesCame(at: start + .seconds(202))
    #expect(deadlines.deadline == nil, "the next request waits for us")
    deadlines.answerEnded(at: start + .seconds(300))
    #expect(deadlines.deadline == start + .seconds(315))
    deadlines.headCame(at: start + .seconds(301))
    deadlines.requestEnded(at: start + .seconds(301))
    deadlines.answerEnded(at: start + .seconds(302))
    #expect(deadlines.deadline == start + .seconds(377))
  }

  @Test("an answer that comes before the body's end leaves the body its time; an upgrade has none")
  func earlyAnswer() {
    var deadlines = ConnectionDeadlines(limits: limits, at: start)
    deadlines.headCame(at: start)
    deadlines.answerEnded(at: start + .seconds(1))
    #expect(deadlines.deadline == start + .seconds(30))
    deadlines.upgraded()
    #expect(deadlines.deadline == nil)
  }

  @Test("an answer that finds no room has an end, unless the client takes some of it; an upgrade has none")
  func unread() throws {
    var deadlines = ConnectionDeadlines(limits: limits, at: start)
    deadlines.headCame(at: start)
    deadlines.requestEnded(at: start)
    deadlines.roomChanged(isThere: false, at: start + .seconds(10))
    #expect(deadlines.deadline == start + .seconds(70))
    deadlines.roomChanged(isThere: false, at: start + .seconds(20))
    #expect(deadlines.deadline == start + .seconds(70))
    deadlines.pieceWent(at: start + .seconds(60))
    #expect(deadlines.deadline == start + .seconds(120))
    deadlines.roomChanged(isThere: true, at: start + .seconds(61))
    #expect(deadlines.deadline == nil)
    deadlines.roomChanged(isThere: false, at: start + .seconds(62))
    deadlines.upgraded()
    #expect(deadlines.deadline == nil)

    let (channel, _) = try connection()
    try channel.writeInbound(ByteBuffer(string: "!"))
    // A long answer goes in pieces, so that it is known how far it went.
    try channel.writeOutbound(HTTPResponsePart.body(ByteBuffer(repeating: 1, count: 150 << 10)))
    var sizes: [Int] = []
    while let bytes = try channel.readOutbound(as: ByteBuffer.self) { sizes.append(bytes.readableBytes) }
    #expect(sizes == [64 << 10, 64 << 10, 22 << 10])
    channel.isWritable = false
    channel.pipeline.fireChannelWritabilityChanged()
    channel.embeddedEventLoop.advanceTime(by: .seconds(59))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test("a broken body and one that ends early are the client's fault; who asks whether to go on is told")
  func brokenBodies() async throws {
    try await WholeGateway.run { gateway in
      func head(_ path: String, _ rest: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(gateway.key)\r\n"
          + "Content-Type: application/json\r\n\(rest)\r\n\r\n"
      }
      for path in ["/api/contacts", "/api/media", "/api/messages/bulk"] {
        let chunk = try await WholeGateway.raw(
          head(path, "Transfer-Encoding: chunked") + "zz\r\n{}\r\n0\r\n\r\n", to: gateway)
        #expect(chunk.hasPrefix("HTTP/1.1 400") && chunk.contains("malformed_request"), "\(path): \(chunk)")
        #expect(chunk.components(separatedBy: "HTTP/1.1").count == 2, "one answer: \(chunk)")
        let short = try await WholeGateway.raw(head(path, "Content-Length: 50") + "{", to: gateway, isEnding: true)
        #expect(short.hasPrefix("HTTP/1.1 400") && short.contains("malformed_request"), "\(path): \(short)")
      }
      let going = try await WholeGateway.raw(
        head("/api/contacts", "Content-Length: 2\r\nConnection: close\r\nExpect: 100-continue") + "{}", to: gateway)
      #expect(going.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201"), "\(going)")
    }
  }

  /// Behind a decoder that is played by the test: parts are fired from its place.
  private func connection() throws -> (EmbeddedChannel, ConnectionGuard) {
    let connectionGuard = ConnectionGuard(limits: limits) { "an id" }
    let channel = EmbeddedChannel(handler: PartsFromBytes())
    try channel.pipeline.syncOperations.addHandler(connectionGuard)
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/nowhere")).wait()
    return (channel, connectionGuard)
  }

  @Test("a connection is closed when its client takes too long, and not before")
  func closes() throws {
    let (channel, _) = try connection()
    channel.embeddedEventLoop.advanceTime(by: .seconds(70))
    try channel.writeInbound(ByteBuffer(string: "G"))
    channel.embeddedEventLoop.advanceTime(by: .seconds(14))
    #expect(channel.isActive)
    try channel.writeInbound(ByteBuffer(string: "E"))
    channel.embeddedEventLoop.advanceTime(by: .seconds(1))
    #expect(!channel.isActive)
  }

  @Test("a long answer keeps its connection, which is idle from its end on")
  func longAnswer() throws {
    let (channel, _) = try connection()
    try channel.writeInbound(ByteBuffer(string: "!"))
    channel.embeddedEventLoop.advanceTime(by: .seconds(1_000))
    #expect(channel.isActive)
    try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .ok)))
    try channel.writeOutbound(HTTPResponsePart.end(nil))
    channel.embeddedEventLoop.advanceTime(by: .seconds(74))
    #expect(channel.isActive)
    channel.embeddedEventLoop.advanceTime(by: .seconds(2))
    #expect(!channel.isActive)
  }

  @Test("what is no HTTP is answered with a problem document")
  func malformed() async throws {
    try await WholeGateway.run { gateway in
      for text in ["no http at all\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"] {
        let answer = try await WholeGateway.raw(text, to: gateway)
        #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
        #expect(answer.contains("application/problem+json") && answer.contains("malformed_request"))
        #expect(answer.lowercased().contains("x-request-id"))
      }
      // Behind a good request, in its turn.
      let both = try await WholeGateway.raw("GET /health HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n", to: gateway)
      #expect(both.hasPrefix("HTTP/1.1 200") && both.contains("malformed_request"))
    }
  }
}

/// Stands for the decoder: `!` is a whole request, anything else a part of a head. What is answered goes out as bytes.
private final class PartsFromBytes: ChannelDuplexHandler {
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = ByteBuffer
  typealias InboundIn = ByteBuffer
  typealias InboundOut = HTTPRequestPart

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard String(buffer: unwrapInboundIn(data)) == "!" else { return }
    let head = HTTPRequest(method: .get, scheme: "http", authority: nil, path: "/")
    context.fireChannelRead(wrapInboundOut(.head(head)))
    context.fireChannelRead(wrapInboundOut(.end(nil)))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head: context.write(wrapOutboundOut(ByteBuffer(string: "head")), promise: promise)
    case .body(let bytes): context.write(wrapOutboundOut(bytes), promise: promise)
    case .end: context.write(wrapOutboundOut(ByteBuffer(string: "end")), promise: promise)
    }
  }
}
