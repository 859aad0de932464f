// The sandbox's own endpoints, and chaos through them.

import AsyncHTTPClient
import Testing

@testable import TwilioSandbox

@Suite("The control endpoints")
struct ControlTests {
  @Test("a form as curl sends it makes a phone text in, its plus put back; the log shows message and webhook")
  func inbound() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        let client = SandboxClient(sandbox: sandbox)
        let set = try await client.send(.post, "/sandbox/webhook", json: "incoming=\(url)/in", signsIn: false)
        #expect(try set.json["incoming"] == .string(url + "/in"))
        let sms = try await client.send(
          .post, "/sandbox/inbound", json: "from=+14155550101&body=hi&media=image/png", signsIn: false)
        #expect(try sms.json["webhook"]?["status"] == .integer(200))
        #expect(try sms.json["webhook"]?["body"] == .string("<Response/>"))
        let button = try await client.send(
          .post, "/sandbox/inbound",
          json: #"{"from":"whatsapp:+447700900123","body":"Yes","extra":{"ButtonPayload":"yes"},"profileName":"Ada"}"#)
        #expect(button.status == 200)
        let forms = receiver.webhooks.map(\.form)
        #expect(forms[0]["From"] == "+14155550101")
        #expect(forms[0]["NumMedia"] == "1")
        #expect(forms[1]["ButtonPayload"] == "yes")
        #expect(forms[1]["MessageType"] == "button")
        #expect(forms[1]["ProfileName"] == "Ada")
        #expect(forms[1]["To"] == "whatsapp:+14155238886")
        let log = try await client.send(.get, "/sandbox/messages?limit=1", signsIn: false).json
        #expect(log["messages"]?.array?.first?["body"] == .string("Yes"))
        #expect(log["webhooks"]?.array?.first?["form"]?["ButtonPayload"] == .string("yes"))
        #expect(try await client.send(.post, "/sandbox/reset").status == 200)
        #expect(sandbox.messages().isEmpty && sandbox.deliveries().isEmpty)
        #expect(try await client.send(.get, "/sandbox").text.contains("curl"))
      }
    }
  }

  @Test(
    "what cannot be done is refused in words",
    arguments: [
      ("/sandbox/inbound", "body=hi", 400), ("/sandbox/inbound", "{", 400), ("/sandbox/inbound", #"{"form":"x"}"#, 400),
      ("/sandbox/inbound", "from=+14155550101&to=+19995550000", 404), ("/sandbox/inbound", "redeliver=SM1", 404),
      ("/sandbox/chaos", #"{"dropCallbacks":2}"#, 400), ("/sandbox/chaos", #"{"drop":1}"#, 400),
      ("/sandbox/chaos", #"{"failSends":{"count":1,"status":200}}"#, 400),
      ("/sandbox/chaos", #"{"failMedia":{"count":1,"status":200}}"#, 400),
      ("/sandbox/webhook", "incoming=nowhere", 400),
      ("/sandbox/webhook", #"{"account":"AC1"}"#, 404),
    ])
  func refusals(path: String, body: String, status: Int) async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let answer = try await SandboxClient(sandbox: sandbox).send(.post, path, json: body)
      #expect(answer.status == status)
      #expect(try answer.json["error"]?.string?.isEmpty == false)
    }
  }

  @Test("the next sends fail as told: 429 and 500 take nothing, an accepted 500 and a 503 page may")
  func failing() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      func chaos(_ json: String) async throws {
        #expect(try await client.send(.post, "/sandbox/chaos", json: json).status == 200)
      }
      func send() async throws -> SandboxClient.Answer {
        try await client.create(["To": "+14155550101", "From": "+15005550006", "Body": "x"])
      }
      try await chaos(#"{"failSends":{"count":2,"status":429,"accepted":true}}"#)
      #expect(try await send().json["code"] == .integer(20429))
      #expect(try await send().status == 429)
      #expect(sandbox.messages().isEmpty)
      #expect(try await send().status == 201)
      try await chaos(#"{"failSends":{"count":1,"status":500}}"#)
      #expect(try await send().json["code"] == .integer(20500))
      #expect(sandbox.messages().count == 1)
      try await chaos(#"{"failSends":{"count":1,"status":503,"accepted":true}}"#)
      let page = try await send()
      #expect(page.status == 503)
      #expect(page.header("Content-Type") == "text/html")
      #expect(sandbox.messages().count == 2)
      #expect(try await client.send(.get, "/sandbox/chaos").json["failSends"] == .null)
    }
  }

  @Test("a hanging send is accepted, goes its way, and its connection is closed without an answer")
  func hanging() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      try await Sandbox.withRunning(.test) { sandbox in
        let client = SandboxClient(sandbox: sandbox)
        var chaos = Chaos()
        chaos.hangSends = .init(count: 2, duration: .milliseconds(100))
        sandbox.setChaos(chaos)
        await #expect(throws: HTTPClientError.remoteConnectionClosed) {
          try await client.create([
            "To": "+14155550101", "From": "+15005550006", "Body": "x", "StatusCallback": url + "/status",
          ])
        }
        #expect(try await receiver.wait(3).map(\.status) == ["sending", "sent", "delivered"])
        let found = try await client.send(.get, SandboxClient.path("/Messages.json?To=%2B14155550101")).json
        #expect(found["messages"]?.array?.count == 1)
        chaos.hangSends = .init(count: 1, duration: .seconds(600))
        sandbox.setChaos(chaos)
        await #expect(throws: HTTPClientError.deadlineExceeded) {
          try await client.send(
            .post, SandboxClient.path("/Messages.json"),
            form: FormFields(["To": "+14155550101", "From": "+15005550006", "Body": "y"]), deadline: .milliseconds(100))
        }
        #expect(sandbox.messages().count == 2)
      }
    }
  }

  @Test("delayed callbacks overtake each other and are not lost")
  func delayed() async throws {
    try await WebhookReceiver.withRunning { receiver, url in
      var configuration = SandboxConfiguration.test
      configuration.chaos.delayCallbacks = 0.5
      configuration.chaos.callbackDelay = .milliseconds(30)
      configuration.seed = 3
      try await Sandbox.withRunning(configuration) { sandbox in
        sandbox.setWebhooks(SandboxWebhooks(status: url + "/status"))
        for _ in 0..<10 {
          _ = try await SandboxClient(sandbox: sandbox).sid(["To": "+14155550101", "From": "+15005550006", "Body": "x"])
        }
        let bySID = Dictionary(grouping: try await receiver.wait(30)) { $0.form["MessageSid"] }
        #expect(bySID.values.allSatisfy { Set($0.map(\.status)) == ["sending", "sent", "delivered"] })
        #expect(bySID.values.contains { $0.map(\.status) != ["sending", "sent", "delivered"] })
      }
    }
  }
}
