// What the webhook sink shows of each endpoint, and of how many it does not.

import ChannelProtocol
import Testing

@testable import Sinks

@Suite("metrics of webhooks")
struct WebhookMetricsTests {
  private static func backlog(_ range: Range<UInt64>, pending: Int, oldest: Timestamp?) -> [EndpointBacklog] {
    range.map { EndpointBacklog(endpoint: Identifier(high: 1, low: $0), pending: pending, oldest: oldest) }
  }

  private static func name(_ what: String, _ endpoint: UInt64) -> String {
    "fractal_webhook_endpoint_\(what)/\(Identifier(high: 1, low: endpoint))"
  }

  @Test("a hundred endpoints have series of their own, the worst among them; how many have none is told")
  func bounded() {
    let factory = RealtimeTestMetrics()
    let metrics = WebhookMetrics(factory: factory)
    let now = Timestamp(seconds: 1_000)
    metrics.waiting(Self.backlog(0..<40, pending: 0, oldest: nil), at: now)
    #expect(factory["fractal_webhook_endpoints_without_series"] == 0)
    let busy = Self.backlog(100..<190, pending: 7, oldest: Timestamp(seconds: 940))
    metrics.waiting(Self.backlog(0..<40, pending: 0, oldest: nil) + busy, at: now)
    #expect(factory["fractal_webhook_endpoints_without_series"] == 30)
    #expect(factory["fractal_webhook_pending"] == 630 && factory["fractal_webhook_oldest_pending_seconds"] == 60)
    for endpoint in UInt64(100)..<190 {
      #expect(factory[Self.name("pending", endpoint)] == 7)
      #expect(factory[Self.name("oldest_pending_seconds", endpoint)] == 60)
    }
    // Those that others took the place of count for nothing of their own, and for all.
    let result = WebhookResult(.success(HTTPAnswer(status: 200)), at: now, latency: .zero)
    for endpoint in UInt64(0)..<40 {
      metrics.attempted(result, at: Identifier(high: 1, low: endpoint), age: .seconds(3))
    }
    let attempts = (UInt64(0)..<40).map { factory[Self.name("attempts_total", $0) + "/delivered"] }
    #expect(attempts.count { $0 == 1 } == 10 && attempts.count { $0 == 0 } == 30)
    #expect(factory["fractal_webhook_attempts_total/delivered"] == 40)
    metrics.waiting(busy, at: now)
    #expect(factory["fractal_webhook_endpoints_without_series"] == 0)
  }

  @Test("of each endpoint: attempts by outcome, the lag of what was delivered, what waits and since when")
  func perEndpoint() {
    let factory = RealtimeTestMetrics()
    let metrics = WebhookMetrics(factory: factory)
    let now = Timestamp(seconds: 1_000)
    let id = Identifier(high: 1, low: 5)
    let results: [Result<HTTPAnswer, WebhookFailure>] = [
      .success(HTTPAnswer(status: 200)), .success(HTTPAnswer(status: 500)), .failure(.timeout),
      .success(HTTPAnswer(status: 204)),
    ]
    for (index, result) in results.enumerated() {
      metrics.attempted(WebhookResult(result, at: now, latency: .zero), at: id, age: .seconds(index + 1))
    }
    metrics.waiting(Self.backlog(5..<6, pending: 3, oldest: Timestamp(seconds: 990)), at: now)
    #expect(factory[Self.name("attempts_total", 5) + "/delivered"] == 2)
    #expect(factory[Self.name("attempts_total", 5) + "/failed"] == 2)
    #expect(factory[Self.name("lag_seconds", 5)] == 4)
    #expect(factory[Self.name("pending", 5)] == 3 && factory[Self.name("oldest_pending_seconds", 5)] == 10)
  }
}
