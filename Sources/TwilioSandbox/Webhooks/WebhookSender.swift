// Makes one webhook request as Twilio's proxy does: signed, with its time limits and its retries.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Delivers single webhooks.
struct WebhookSender: Sendable {
  private let client: HTTPClient
  private let settings: SandboxConfiguration.Delivery

  init(settings: SandboxConfiguration.Delivery) {
    self.settings = settings
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: .init(connect: .microseconds(settings.connectTimeout.microseconds)))
    // Retries are counted here: the client must not try on its own.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = settings.concurrency
    client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
  }

  /// Closes the connections. Nothing can be delivered afterwards.
  func close() async throws {
    try await client.shutdown()
  }

  /// Never throws: what went wrong stands in the delivery.
  func deliver(_ webhook: OutgoingWebhook) async -> WebhookDelivery {
    var delivery = WebhookDelivery(webhook)
    guard let target = WebhookTarget(webhook.url) else {
      delivery.error = "not a valid webhook URL"
      return delivery
    }
    let clock = ContinuousClock()
    let start = clock.now
    let total = target.overrides.totalTimeout.map(Duration.milliseconds) ?? settings.totalTimeout
    let request = Self.request(webhook, target)
    while true {
      delivery.attempts += 1
      let left = total - start.duration(to: clock.now)
      let limit = target.overrides.readTimeout.map { min(left, settings.connectTimeout + .milliseconds($0)) } ?? left
      let failure = await attempt(request, limit: limit, into: &delivery)
      guard let failure, target.overrides.reasons.contains(failure), delivery.attempts <= target.overrides.retries,
        total - start.duration(to: clock.now) > .milliseconds(200)
      else { break }
      guard (try? await Task.sleep(for: .milliseconds(Int.random(in: 20...100)))) != nil else { break }
    }
    delivery.milliseconds = Int(start.duration(to: clock.now).microseconds / 1000)
    return delivery
  }

  /// - Returns: why it failed, nil when it did not.
  private func attempt(
    _ request: HTTPClientRequest, limit: Duration, into delivery: inout WebhookDelivery
  ) async -> WebhookTarget.Overrides.Reason? {
    delivery.httpStatus = nil
    delivery.error = nil
    do {
      let response = try await client.execute(request, timeout: .microseconds(max(1000, limit.microseconds)))
      delivery.httpStatus = Int(response.status.code)
      // A longer answer is cut off with an error, which does not undo the delivery.
      let body = try? await response.body.collect(upTo: 64 << 10)
      delivery.responseBody = String(decoding: (body ?? ByteBuffer()).readableBytesView.prefix(4096), as: UTF8.self)
      switch response.status.code {
      case 400..<500: return .clientError
      case 500...: return .serverError
      default: return nil
      }
    } catch let error as HTTPClientError where error != .connectTimeout {
      delivery.error = "11200 no answer: \(error)"
      return .read
    } catch is CancellationError {
      delivery.error = "the sandbox is stopping"
      return nil
    } catch {
      delivery.error = "11200 cannot connect: \(error)"
      return .connect
    }
  }

  private static func request(_ webhook: OutgoingWebhook, _ target: WebhookTarget) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: target.url)
    request.method = .POST
    request.headers = HTTPHeaders([
      ("User-Agent", "TwilioProxy/1.1"), ("Accept", "*/*"),
      ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), ("X-Home-Region", "us1"),
      (
        "X-Twilio-Signature",
        WebhookSignature.make(url: target.url, form: webhook.form, authToken: webhook.authToken)
      ),
      ("I-Twilio-Idempotency-Token", UUID().uuidString.lowercased()),
    ])
    if let authorization = target.authorization { request.headers.add(name: "Authorization", value: authorization) }
    request.body = .bytes(ByteBuffer(string: webhook.form.encoded))
    return request
  }
}
