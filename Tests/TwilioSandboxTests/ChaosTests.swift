// The chaos switches, one by one, as a client sees them.

import Testing

@testable import TwilioSandbox

@Suite("Chaos switches")
struct ChaosTests {
  /// Sends one message under a switch and gives the statuses of its callbacks, in the order in which they came.
  /// - Parameter whenDelivered: how many have come when the message is delivered already.
  private static func callbacks(
    _ json: String, count: Int, whenDelivered: Int? = nil
  ) async throws -> [String?] {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        let client = SandboxClient(sandbox: sandbox)
        #expect(try await client.send(.post, "/sandbox/chaos", json: json).status == 200)
        let sid = try await client.sid([
          "To": "+14155550101", "From": "+15005550006", "Body": "x", "StatusCallback": url + "/status",
        ])
        try await client.wait(sid, for: .delivered)
        if let whenDelivered { #expect(receiver.webhooks.count == whenDelivered) }
        return try await receiver.wait(count).map(\.status)
      }
    }
  }

  @Test("callbacks are doubled")
  func duplicate() async throws {
    #expect(
      try await Self.callbacks(#"{"duplicateCallbacks":1}"#, count: 6)
        == ["sending", "sending", "sent", "sent", "delivered", "delivered"])
  }

  @Test("callbacks of one message change places, and the last one comes all the same")
  func reorder() async throws {
    #expect(
      try await Self.callbacks(#"{"reorderCallbacks":1,"callbackDelayMilliseconds":20}"#, count: 3)
        == ["sent", "sending", "delivered"])
  }

  @Test("callbacks come late, all of them")
  func delay() async throws {
    let told = try await Self.callbacks(
      #"{"delayCallbacks":1,"callbackDelayMilliseconds":3000}"#, count: 3, whenDelivered: 0)
    #expect(Set(told) == ["sending", "sent", "delivered"])
  }

  @Test("callbacks are dropped, while the message goes on; the next one without chaos has them")
  func drop() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        let client = SandboxClient(sandbox: sandbox)
        var sids: [String] = []
        for chaos in [#"{"dropCallbacks":1}"#, "{}"] {
          #expect(try await client.send(.post, "/sandbox/chaos", json: chaos).status == 200)
          let sid = try await client.sid([
            "To": "+14155550101", "From": "+15005550006", "Body": "x", "StatusCallback": url + "/status",
          ])
          try await client.wait(sid, for: .delivered)
          sids.append(sid)
        }
        let told = try await receiver.wait(3)
        #expect(Set(told.map { $0.form["MessageSid"] }) == [sids[1]])
      }
    }
  }

  @Test("a burst of 429 or 5xx is as long as it is set to be, and takes no message unless it is told to")
  func bursts() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      for (burst, expected, taken) in [
        (#"{"count":2,"status":429}"#, [429, 429, 201], 1), (#"{"count":2,"status":500}"#, [500, 500, 201], 1),
        (#"{"count":1,"status":503,"accepted":true}"#, [503, 201], 2),
      ] {
        let before = sandbox.messages().count
        #expect(try await client.send(.post, "/sandbox/chaos", json: "{\"failSends\":\(burst)}").status == 200)
        for status in expected {
          let answer = try await client.create(["To": "+14155550101", "From": "+15005550006", "Body": "x"])
          #expect(answer.status == status)
        }
        #expect(sandbox.messages().count - before == taken, "\(burst)")
      }
    }
  }

  @Test("a send that is never answered has been accepted all the same")
  func hanging() async throws {
    try await Sandbox.withRunning(.test) { sandbox async throws in
      let client = SandboxClient(sandbox: sandbox)
      let chaos = #"{"hangSends":{"count":1,"milliseconds":30}}"#
      #expect(try await client.send(.post, "/sandbox/chaos", json: chaos).status == 200)
      let unanswered = try? await client.create(["To": "+14155550101", "From": "+15005550006", "Body": "hanging"])
      #expect(unanswered?.status == nil)
      #expect(sandbox.messages().map(\.body) == ["hanging"])
      #expect(try await client.create(["To": "+14155550101", "From": "+15005550006", "Body": "x"]).status == 201)
    }
  }

  @Test("files expire, at once or after a time; the list still names them")
  func media() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(incoming: url + "/in"))
        let client = SandboxClient(sandbox: sandbox)
        _ = try await sandbox.receive(InboundText(from: "+14155550101", media: [.init(contentType: "image/png")]))
        let media = try #require(receiver.webhooks.first?.form["MediaUrl0"])
        #expect(try await client.send(.get, media).status == 200)
        for (lifetime, status) in [("0", 404), ("3600000", 200), ("null", 200)] {
          let chaos = "{\"mediaLifetimeMilliseconds\":\(lifetime)}"
          #expect(try await client.send(.post, "/sandbox/chaos", json: chaos).status == 200)
          #expect(try await client.send(.get, media).status == status, "\(lifetime)")
        }
        let sid = try #require(receiver.webhooks.first?.form["MessageSid"])
        let list = try await client.send(.get, SandboxClient.path("/Messages/\(sid)/Media.json"))
        #expect(try list.json["media_list"]?.array?.count == 1)
      }
    }
  }

  @Test("callbacks tell of another sender and of other parts, as long as they are told to")
  func facts() async throws {
    var configuration = SandboxConfiguration.test
    configuration.accounts = [SandboxAccount(senders: ["+15005550006", "+15005550005"])]
    let test = configuration
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(test) { sandbox in
        let client = SandboxClient(sandbox: sandbox)
        for (chaos, isTrue) in [(#"{"changeFacts":1}"#, false), ("{}", true)] {
          #expect(try await client.send(.post, "/sandbox/chaos", json: chaos).status == 200)
          let sid = try await client.sid([
            "To": "+14155550101", "From": "+15005550006", "Body": "x", "StatusCallback": url + "/status",
          ])
          try await client.wait(sid, for: .delivered)
          try await until("all are told") { receiver.webhooks.filter { $0.form["MessageSid"] == sid }.count == 3 }
          for told in receiver.webhooks.filter({ $0.form["MessageSid"] == sid }) {
            #expect((told.form["From"] == "+15005550006") == isTrue)
            #expect((told.form["NumSegments"] == nil) == isTrue && told.form["NumSegments"] != "1")
          }
        }
      }
    }
  }

  @Test("a file stops in the middle and goes on after a while; the next one does not")
  func stalls() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(incoming: url + "/in"))
        let client = SandboxClient(sandbox: sandbox)
        _ = try await sandbox.receive(InboundText(from: "+14155550101", media: [.init(contentType: "image/png")]))
        let media = try #require(receiver.webhooks.first?.form["MediaUrl0"])
        let whole = try await client.send(.get, media)
        let chaos = #"{"stallMedia":{"count":1,"bytes":5,"milliseconds":200}}"#
        #expect(try await client.send(.post, "/sandbox/chaos", json: chaos).status == 200)
        let start = ContinuousClock.now
        #expect(try await client.send(.get, media).content == whole.content)
        #expect(start.duration(to: .now) >= .milliseconds(200))
        #expect(sandbox.read { $0.chaos.stallMedia } == nil)
        #expect(try await client.send(.get, media).content == whole.content)
      }
    }
  }

  @Test("what is set is shown, word by word, and reads back as itself")
  func json() throws {
    var chaos = Chaos()
    chaos.dropCallbacks = 0.25
    chaos.duplicateCallbacks = 0.5
    chaos.delayCallbacks = 0.75
    chaos.reorderCallbacks = 1
    chaos.callbackDelay = .milliseconds(20)
    chaos.failSends = .init(count: 3, status: 429)
    chaos.hangSends = .init(count: 2, duration: .milliseconds(5))
    chaos.failContent = .init(count: 1, status: 503)
    chaos.failMedia = .init(count: 1, status: 404)
    chaos.mediaLifetime = .milliseconds(7)
    chaos.changeFacts = 0.125
    chaos.stallMedia = .init(count: 2, bytes: 5, duration: .milliseconds(9))
    #expect(try Chaos(json: chaos.json) == chaos)
    #expect(try Chaos(json: Chaos().json) == Chaos())
  }
}
