// STOP and START at the sandbox's phones, as the API and the webhooks tell of them.

import Testing

@testable import TwilioSandbox

@Suite("Opting out at the sandbox")
struct OptOutTests {
  private static let service = "MG" + String(repeating: "a", count: 32)

  @Test("STOP is refused with 21610 until START; without a service the webhook says nothing of it")
  func standard() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(incoming: url + "/in"))
        let client = SandboxClient(sandbox: sandbox)
        for (word, status) in [("stop ", 400), ("HELP", 400), ("Start", 201), ("YES", 201)] {
          _ = try await sandbox.receive(InboundText(from: "+14155550101", body: word))
          let answer = try await client.create(["To": "+14155550101", "From": "+15005550006", "Body": "x"])
          #expect(answer.status == status, "\(word)")
          if status == 400 { #expect(try answer.json["code"] == .integer(21610)) }
        }
        #expect(receiver.webhooks.count == 4)
        #expect(receiver.webhooks.allSatisfy { $0.form["OptOutType"] == nil })
      }
    }
  }

  @Test("with a Messaging Service the webhook says what was understood, and all numbers of the channel are left")
  func advanced() async throws {
    var configuration = SandboxConfiguration.test
    configuration.accounts = [
      SandboxAccount(senders: ["+15005550006", "+15005550016", "whatsapp:+14155238886"])
    ]
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(configuration) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(incoming: url + "/in"))
        let client = SandboxClient(sandbox: sandbox)
        func receive(_ body: String, from: String = "+14155550101") async throws {
          var text = InboundText(from: from, body: body)
          text.messagingServiceSID = Self.service
          _ = try await sandbox.receive(text)
        }
        func status(_ from: String, _ to: String = "+14155550101") async throws -> Int {
          try await client.create(["To": to, "From": from, "Body": "x"]).status
        }
        try await receive("STOP")
        for from in ["+15005550006", "+15005550016"] { #expect(try await status(from) == 400) }
        try await receive("help")
        try await receive("a word")
        try await receive("START")
        for from in ["+15005550006", "+15005550016"] { #expect(try await status(from) == 201) }
        try await receive("STOP", from: "whatsapp:+447700900123")
        #expect(try await status("whatsapp:+14155238886", "whatsapp:+447700900123") == 400)
        let types = receiver.webhooks.map { $0.form["OptOutType"] }
        #expect(types == ["STOP", "HELP", nil, "START", "STOP"])
        #expect(receiver.webhooks.allSatisfy { $0.isSigned() && $0.form["MessagingServiceSid"] == Self.service })
      }
    }
  }
}
