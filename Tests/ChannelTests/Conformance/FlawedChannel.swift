// A good adapter with one thing wrong: what the conformance suite must find.

import ChannelProtocol
import ChannelWhatsApp
import Foundation
import Synchronization
import Twilio

/// What is wrong; nothing, where a default is left.
protocol Flaw: Sendable {
  static func capabilities(_ good: ChannelCapabilities) -> ChannelCapabilities
  static func claim(_ request: WebhookRequest, by channel: FlawedChannel<Self>) -> WebhookClaim
  static func receive(
    _ request: WebhookRequest, by channel: FlawedChannel<Self>
  ) throws(WebhookRejection) -> [InboundEvent]
  static func send(
    _ message: OutboundMessage, by channel: FlawedChannel<Self>
  ) async throws(SendFailure) -> SendReceipt
  static func interactive(
    _ type: String, _ data: JSONValue, by channel: FlawedChannel<Self>
  ) throws(InteractiveFaults) -> InteractiveContent
  static func deposit(
    _ content: InteractiveContent, by channel: FlawedChannel<Self>
  ) async throws(SendFailure) -> String
}

extension Flaw {
  static func capabilities(_ good: ChannelCapabilities) -> ChannelCapabilities { good }

  static func claim(_ request: WebhookRequest, by channel: FlawedChannel<Self>) -> WebhookClaim {
    channel.good.claim(request)
  }

  static func receive(
    _ request: WebhookRequest, by channel: FlawedChannel<Self>
  ) throws(WebhookRejection) -> [InboundEvent] {
    try channel.good.receive(request)
  }

  static func send(
    _ message: OutboundMessage, by channel: FlawedChannel<Self>
  ) async throws(SendFailure) -> SendReceipt {
    try await channel.good.send(message)
  }

  static func interactive(
    _ type: String, _ data: JSONValue, by channel: FlawedChannel<Self>
  ) throws(InteractiveFaults) -> InteractiveContent {
    try channel.good.interactive(type: type, data: data)
  }

  static func deposit(
    _ content: InteractiveContent, by channel: FlawedChannel<Self>
  ) async throws(SendFailure) -> String {
    try await channel.good.deposit(content)
  }
}

/// WhatsApp, with a flaw.
final class FlawedChannel<Kind: Flaw>: InteractiveSending {
  static var type: ChannelType { .whatsapp }

  let good: WhatsAppChannel
  let clock: any WallClock
  /// How many requests it has claimed.
  let claims = Mutex(0)

  init(configuration: WhatsAppConfiguration, context: ChannelContext) throws {
    good = try WhatsAppChannel(configuration: configuration, context: context)
    clock = context.clock
  }

  var capabilities: ChannelCapabilities { Kind.capabilities(good.capabilities) }
  var routes: [WebhookRoute] { good.routes }
  var senders: [Sender] { good.senders }

  func claim(_ request: WebhookRequest) -> WebhookClaim {
    claims.withLock { $0 += 1 }
    return Kind.claim(request, by: self)
  }

  func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] {
    try Kind.receive(request, by: self)
  }

  func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    try await Kind.send(message, by: self)
  }

  func interactive(type: String, data: JSONValue) throws(InteractiveFaults) -> InteractiveContent {
    try Kind.interactive(type, data, by: self)
  }

  func deposit(_ content: InteractiveContent) async throws(SendFailure) -> String {
    try await Kind.deposit(content, by: self)
  }

  func isDepositGone(_ failure: SendFailure) -> Bool { good.isDepositGone(failure) }
}

extension InboundEvent {
  /// The same with another raw payload.
  func with(_ change: (inout [String: JSONValue]) -> Void) -> InboundEvent {
    func changed(_ raw: RawPayload) -> RawPayload {
      var members = (try? JSONValue(raw))?.objectValue ?? [:]
      change(&members)
      var writer = JSONWriter()
      writer.value(.object(members))
      return RawPayload(json: writer.bytes)
    }
    switch self {
    case .message(var message):
      message.raw = changed(message.raw)
      return .message(message)
    case .status(var update):
      update.raw = changed(update.raw)
      return .status(update)
    }
  }
}
