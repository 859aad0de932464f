// Webhooks over real connections: signed, in order, with Twilio's headers and retries.

import Testing

@testable import TwilioSandbox

@Suite("Webhook delivery")
struct WebhookDeliveryTests {
  @Test("a message's callbacks come signed, in order, with Twilio's headers, to the URL with its query")
  func life() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        let client = SandboxClient(sandbox: sandbox)
        let sid = try await client.sid([
          "To": "whatsapp:+447700900123", "From": "whatsapp:+14155238886", "Body": "ünïcode & more",
          "StatusCallback": "\(url)/status?key=a%2Fb&x='1'#rc=2",
        ])
        let webhooks = try await receiver.wait(4)
        #expect(webhooks.map(\.status) == ["sending", "sent", "delivered", "read"])
        for webhook in webhooks {
          #expect(webhook.isSigned())
          #expect(!webhook.isSigned("another token"))
          #expect(webhook.url == "\(url)/status?key=a%2Fb&x='1'")
          #expect(webhook.form["MessageSid"] == sid)
          #expect(webhook.headers["user-agent"] == "TwilioProxy/1.1")
          #expect(webhook.headers["content-type"] == "application/x-www-form-urlencoded; charset=UTF-8")
          #expect(webhook.headers["i-twilio-idempotency-token"]?.utf8.count == 36)
        }
        try await until("all are in the log") { sandbox.deliveries().count == 4 }
        #expect(sandbox.deliveries().map(\.httpStatus) == [200, 200, 200, 200])
      }
    }
  }

  @Test("with waiting between the steps the callbacks keep their order")
  func timings() async throws {
    var configuration = SandboxConfiguration.test
    configuration.timings = .init()
    configuration.timings.read = nil
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(configuration) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(status: url + "/all"))
        let client = SandboxClient(sandbox: sandbox)
        for number in 0..<20 {
          _ = try await client.sid(["To": "+14155550101", "From": "+15005550006", "Body": "\(number)"])
        }
        let bySID = Dictionary(grouping: try await receiver.wait(60)) { $0.form["MessageSid"] }
        #expect(bySID.count == 20)
        #expect(bySID.values.allSatisfy { $0.map(\.status) == ["sending", "sent", "delivered"] })
      }
    }
  }

  @Test("a text goes to the webhook of its address, and the answer comes back with the receipt")
  func inbound() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        sandbox.setWebhooks(
          SandboxWebhooks(incoming: url + "/sms", incomingByAddress: ["whatsapp:": url + "/whatsapp"]))
        let receipt = try await sandbox.receive(InboundText(from: "+14155550101", body: "hi"))
        #expect(receipt.webhook?.httpStatus == 200)
        #expect(receipt.webhook?.responseBody == "<Response/>")
        _ = try await sandbox.receive(InboundText(from: "whatsapp:+447700900123", body: "hi"))
        let again = try await sandbox.receive(InboundText(from: "", redeliver: receipt.sid))
        #expect(again.sid == receipt.sid)
        let webhooks = receiver.webhooks
        #expect(webhooks.map(\.url) == [url + "/sms", url + "/whatsapp", url + "/sms"])
        #expect(webhooks.allSatisfy { $0.isSigned() })
        #expect(webhooks[0].form == webhooks[2].form)
        await #expect(throws: ControlError.self) { try await sandbox.receive(InboundText(from: "+1", to: "+19")) }
      }
    }
  }

  @Test("an error of the server is tried again only where the URL says so, with the same token")
  func retries() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        receiver.answer(503)
        sandbox.setWebhooks(SandboxWebhooks(incoming: url + "/once"))
        let once = try await sandbox.receive(InboundText(from: "+14155550101"))
        #expect(once.webhook?.httpStatus == 503)
        #expect(once.webhook?.attempts == 1)
        receiver.answer(503, 429)
        sandbox.setWebhooks(SandboxWebhooks(incoming: url + "/again#rc=3&rp=4xx,5xx"))
        let again = try await sandbox.receive(InboundText(from: "+14155550101"))
        #expect(again.webhook?.httpStatus == 200)
        #expect(again.webhook?.attempts == 3)
        #expect(Set(receiver.webhooks.suffix(3).map { $0.headers["i-twilio-idempotency-token"] }).count == 1)
      }
    }
  }

  @Test("a server that is not there is tried twice, as at Twilio, and the receipt says so")
  func refused() async throws {
    let url = try await WebhookReceiver.withRunning { _, url in url }
    try await Sandbox.withRunning(.test) { sandbox in
      sandbox.setWebhooks(SandboxWebhooks(incoming: url))
      let receipt = try await sandbox.receive(InboundText(from: "+14155550101"))
      #expect(receipt.webhook?.attempts == 2)
      #expect(receipt.webhook?.httpStatus == nil)
      #expect(receipt.webhook?.error?.hasPrefix("11200 cannot connect") == true)
      let silent = try await sandbox.receive(InboundText(from: "+14155550101", to: "+15005550006"))
      #expect(sandbox.deliveries().map(\.messageSID).contains(silent.sid))
    }
  }

  @Test("credentials in the URL become an Authorization header and are not signed")
  func credentials() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(incoming: url.replacing("http://", with: "http://me:secret@") + "/in"))
        _ = try await sandbox.receive(InboundText(from: "+14155550101"))
        let webhook = try #require(receiver.webhooks.first)
        #expect(webhook.headers["authorization"] == "Basic bWU6c2VjcmV0")
        #expect(webhook.isSigned())
      }
    }
  }

  @Test("a queue of one key runs in order, of several keys side by side, and refuses beyond its limit")
  func queue() {
    var queue = KeyedQueue<Int>(limit: 4, concurrency: 2)
    let taken = [(1, "a"), (2, "a"), (3, "b"), (4, "c"), (5, "d")].map { queue.add($0.0, key: $0.1) }
    #expect(taken == [true, true, true, true, false])
    var order: [Int?] = [queue.start()?.element, queue.start()?.element, queue.start()?.element]
    queue.finish("a")
    order.append(queue.start()?.element)
    queue.finish("b")
    order.append(queue.start()?.element)
    #expect(order == [1, 3, nil, 4, 2])
    let isTaken = queue.add(6, key: "a")
    let left = queue.removeAll()
    #expect(isTaken && left == [6])
    queue.finish("c")
    queue.finish("a")
    #expect(queue.isIdle)
  }

  @Test("the timeline gives what is due, earliest first, in the order of arrival among equals")
  func timeline() {
    var timeline = Timeline<Int>()
    var dice = Dice(seed: 7)
    let moments = (0..<200).map { _ in Int64.random(in: 0..<50, using: &dice) }
    for (number, moment) in moments.enumerated() { timeline.insert(number, at: UTCTime(microseconds: moment)) }
    var order: [Int] = []
    while let number = timeline.pop(dueBy: UTCTime(microseconds: 24)) { order.append(number) }
    let expected = moments.enumerated().filter { $0.element <= 24 }.sorted {
      ($0.element, $0.offset) < ($1.element, $1.offset)
    }
    #expect(order == expected.map(\.offset))
    #expect(timeline.next.map { $0.microseconds > 24 } == true)
  }
}
