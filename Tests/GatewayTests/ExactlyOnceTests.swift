// The first promise, at length: ten thousand messages through a provider that loses answers.

import ChannelProtocol
import Foundation
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("Ten thousand sends", .timeLimit(.minutes(10)))
struct ExactlyOnceTests {
  private static let count = 10_000

  @Test("through lost, late and doubled answers and callbacks, each message is at the provider exactly once")
  func exactlyOnce() async throws {
    try await WholeGateway.run(settings: Self.fast) { gateway in
      try await gateway.chaos(
        """
        {"dropCallbacks":0.2,"duplicateCallbacks":0.2,"delayCallbacks":0.3,"callbackDelayMilliseconds":300,
         "hangSends":{"count":60,"milliseconds":300}}
        """)
      // The messages themselves set off the bursts, so that each meets many of them on every machine.
      try await Self.sendAll(through: gateway) { number in
        guard let burst = Self.bursts[number] else { return }
        try await gateway.burstIsOver()
        try await gateway.chaos(#"{"dropCallbacks":0.2,"duplicateCallbacks":0.2,"delayCallbacks":0.3,\#(burst)}"#)
      }
      _ = try await gateway.eventually(within: .seconds(240), "/api/messages?status=queued,sending&limit=1") {
        $0["data"]?.arrayValue?.isEmpty == true
      }
      try await gateway.burstIsOver()
      let bodies = try await gateway.bodiesAtSandbox()
      #expect(bodies.count == Self.count)
      #expect(Set(bodies).count == Self.count, "\(bodies.count - Set(bodies).count) went out more than once")
      #expect(try await gateway.call("GET", "/api/messages?status=failed&limit=1").json["data"] == .array([]))
    }
  }

  /// Errors whose outcome cannot be known, errors that are a plain no, and "too fast", by the message that brings them.
  private static let bursts = [
    1_500: #""failSends":{"count":100,"status":500,"accepted":true}"#,
    3_500: #""failSends":{"count":40,"status":503}"#,
    5_500: #""failSends":{"count":60,"status":429}"#,
    7_500: #""hangSends":{"count":40,"milliseconds":300}"#,
  ]

  /// A number that takes what it is given, and a provider that is asked soon.
  private static let fast: @Sendable (inout GatewaySettings) -> Void = { settings in
    let yaml =
      WholeGateway.configuration.replacing("mps: 50", with: "mps: 2000") + "\nlimits: { requestsPerSecond: 0 }"
    let schema = ProgramParts(channels: settings.channels, sinks: settings.sinks).schema
    do {
      settings.configuration = try .parse(yaml, file: "channels.yaml", environment: [:], schema: schema)
    } catch {
      Issue.record("\(error)")
    }
    settings.sendPolicy.firstLook = .milliseconds(500)
    settings.sendPolicy.lookAgain = .seconds(1)
    settings.sendPolicy.settleAfter = .seconds(5)
    settings.sendPolicy.backoff = .milliseconds(200)
  }

  /// - Parameter taken: called once for each number, when its message has been taken.
  private static func sendAll(
    through gateway: WholeGateway, taken: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    let workers = 32
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<workers {
        group.addTask {
          for number in stride(from: worker, to: count, by: workers) {
            let answer = try await gateway.call(
              "POST", "/api/messages",
              json: StoredText.json([
                "to": .string("+1415\(5_000_000 + number)"), "channel": "sms", "body": .string("message \(number)"),
              ]))
            #expect(answer.status == 202, "\(answer.text)")
            try await taken(number)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}

extension WholeGateway {
  /// Waits until every send that was to go wrong has.
  fileprivate func burstIsOver() async throws {
    _ = try await eventually(within: .seconds(60), sandbox + "/sandbox/chaos") {
      $0["failSends"] == .null && $0["hangSends"] == .null
    }
  }

  /// The texts of everything that went out, as the provider has them.
  fileprivate func bodiesAtSandbox() async throws -> [String] {
    let credentials = Data("\(SandboxAccount.defaultSID):\(SandboxAccount.defaultAuthToken)".utf8).base64EncodedString()
    var bodies: [String] = []
    var path: String? = "/2010-04-01/Accounts/\(SandboxAccount.defaultSID)/Messages.json?PageSize=1000"
    while let next = path {
      let page = try await Self.exchange("GET", sandbox + next, headers: [("Authorization", "Basic \(credentials)")])
      bodies += (page.json["messages"]?.arrayValue ?? []).compactMap { $0["body"]?.stringValue }
      path = page.json["next_page_uri"]?.stringValue
    }
    return bodies
  }
}
