// Things that an adapter can do wrong.

import ChannelProtocol
import ChannelWhatsApp
import Synchronization
import Twilio

enum Flaws {
  enum None: Flaw {}

  // MARK: On the way in

  enum DropsAField: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      try channel.good.receive(request).map { $0.with { $0["ApiVersion"] = nil } }
    }
  }

  enum KeepsWhatItKnows: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      try channel.good.receive(request).map { $0.with { $0["ConformanceUnheardOf"] = nil } }
    }
  }

  enum RefusesTheUnheardOf: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      let events = try channel.good.receive(request)
      if TwilioWebhook.reading(request).fields["ConformanceUnheardOf"] != nil { throw .notAMessage("what is this?") }
      return events
    }
  }

  enum ForgetsUnknownContent: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      try channel.good.receive(request).filter { event in
        guard case .message(let message) = event, case .unknown = message.content.kind else { return true }
        return false
      }
    }
  }

  enum IgnoresSignatures: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      try channel.good.receive(.signed(TwilioWebhook.reading(request).fields.pairs, target: request.target))
    }
  }

  enum TakesForeignAccounts: Flaw {
    static func claim(_ request: WebhookRequest, by channel: FlawedChannel<Self>) -> WebhookClaim {
      max(channel.good.claim(request), .account)
    }
  }

  enum ReadsTheClock: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      try channel.good.receive(request).map { event in
        guard case .message(var message) = event else { return event }
        message.receivedAt = channel.clock.now()
        return .message(message)
      }
    }
  }

  enum RemembersClaims: Flaw {
    static func receive(_ request: WebhookRequest, by channel: FlawedChannel<Self>) throws(WebhookRejection)
      -> [InboundEvent]
    {
      try channel.good.receive(request).map { event in
        guard case .message(var message) = event else { return event }
        message.profileName = channel.claims.withLock { "claimed \($0) times" }
        return .message(message)
      }
    }
  }

  // MARK: On the way out

  enum CallsTwice: Flaw {
    static func send(_ message: OutboundMessage, by channel: FlawedChannel<Self>) async throws(SendFailure)
      -> SendReceipt
    {
      _ = try? await channel.good.send(message)
      return try await channel.good.send(message)
    }
  }

  enum AnswersSomebodyElse: Flaw {
    static func send(_ message: OutboundMessage, by channel: FlawedChannel<Self>) async throws(SendFailure)
      -> SendReceipt
    {
      var message = message
      message.to = "+15005550000"
      return try await channel.good.send(message)
    }
  }

  enum CutsTexts: Flaw {
    static func send(_ message: OutboundMessage, by channel: FlawedChannel<Self>) async throws(SendFailure)
      -> SendReceipt
    {
      var message = message
      message.body = message.body.map { String($0.prefix(1_000)) }
      return try await channel.good.send(message)
    }
  }

  enum PromisesMoreFiles: Flaw {
    static func capabilities(_ good: ChannelCapabilities) -> ChannelCapabilities {
      var more = good
      more.maximumMedia = 10
      return more
    }
  }

  enum PromisesSegments: Flaw {
    static func capabilities(_ good: ChannelCapabilities) -> ChannelCapabilities {
      var more = good
      more.segments = true
      return more
    }
  }

  enum DeniesLocations: Flaw {
    static func capabilities(_ good: ChannelCapabilities) -> ChannelCapabilities {
      var less = good
      less.location = false
      return less
    }
  }

  enum CallsUnknownOutcomesTransient: Flaw {
    static func send(_ message: OutboundMessage, by channel: FlawedChannel<Self>) async throws(SendFailure)
      -> SendReceipt
    {
      do {
        return try await channel.good.send(message)
      } catch {
        var failure = error
        if failure.kind == .unknownOutcome { failure.kind = .transient }
        throw failure
      }
    }
  }

  enum ForgetsRetryAfter: Flaw {
    static func send(_ message: OutboundMessage, by channel: FlawedChannel<Self>) async throws(SendFailure)
      -> SendReceipt
    {
      do {
        return try await channel.good.send(message)
      } catch {
        var failure = error
        if case .throttled = failure.kind { failure.kind = .throttled(retryAfter: nil) }
        throw failure
      }
    }
  }

  // MARK: Interactive content

  enum TakesAnything: Flaw {
    static func interactive(_ type: String, _ data: JSONValue, by channel: FlawedChannel<Self>)
      throws(InteractiveFaults) -> InteractiveContent
    {
      InteractiveContent(type: type, data: data, text: data["body"]?.stringValue, digest: "alike")
    }
  }

  enum DepositsTwice: Flaw {
    static func deposit(_ content: InteractiveContent, by channel: FlawedChannel<Self>) async throws(SendFailure)
      -> String
    {
      _ = try? await channel.good.deposit(content)
      return "HX1"
    }
  }

  enum PromisesCatalogs: Flaw {
    static func capabilities(_ good: ChannelCapabilities) -> ChannelCapabilities {
      var more = good
      more.interactiveTypes.append("catalog")
      return more
    }
  }
}
