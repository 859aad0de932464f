// One signed attempt at an endpoint: for the sink's loop, and for the API that tests an endpoint.

public import ChannelProtocol
import NIOCore
import NIOSSL

/// Signs and posts events. Attempts may run side by side; bound their number outside.
public final class WebhookSender: Sendable {
  /// Which addresses may be reached.
  public let rules: AddressRules

  private let client: GuardedHTTPClient
  private let timeout: Duration
  private let clock: any WallClock

  /// - Throws: `ConfigurationProblem`.
  public convenience init(configuration: WebhookConfiguration, clock: any WallClock) throws {
    try self.init(configuration: configuration, clock: clock, resolver: HostResolver())
  }

  init(
    configuration: WebhookConfiguration, clock: any WallClock, resolver: HostResolver,
    limits: GuardedHTTPClient.Limits = .init()
  ) throws {
    try configuration.validate()
    rules = try AddressRules(allow: configuration.allow)
    timeout = .seconds(configuration.timeout)
    self.clock = clock
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.minimumTLSVersion = .tlsv12
    tls.applicationProtocols = ["http/1.1"]
    if let path = configuration.certificateAuthorities { tls.additionalTrustRoots = [.file(path)] }
    do {
      let context = try NIOSSLContext(configuration: tls)
      client = GuardedHTTPClient(rules: rules, tls: context, resolver: resolver, limits: limits)
    } catch {
      throw ConfigurationProblem(
        path: ["certificateAuthorities"], "The certificate authorities cannot be read from this file.")
    }
  }

  /// One attempt now, with nothing written anywhere.
  public func attempt(_ endpoint: WebhookEndpoint, event: Event) async -> DeliveryAttempt {
    await send(event, to: endpoint).attempt
  }

  /// Ends attempts under way, as interrupted, and refuses new ones. To be called once the sender is no longer needed.
  public func close() { client.close() }

  /// One attempt; on a connection failure before any byte of an answer a second one at once, within the same deadline.
  func send(_ event: Event, to endpoint: WebhookEndpoint) async -> WebhookResult {
    let at = clock.now()
    let start = ContinuousClock.now
    var result = Result<HTTPAnswer, WebhookFailure>.failure(.invalidURL)
    if let url = try? EndpointURL(endpoint.url) {
      let deadline = NIODeadline.now() + TimeAmount(endpoint.timeout ?? timeout)
      let request = signed(event, endpoint, at: at)
      result = await client.post(request, to: url, deadline: deadline)
      if case .failure(.connectionFailed) = result {
        result = await client.post(request, to: url, deadline: deadline)
      }
    }
    return WebhookResult(result, at: at, latency: ContinuousClock.now - start)
  }

  private func signed(_ event: Event, _ endpoint: WebhookEndpoint, at: Timestamp) -> GuardedHTTPClient.Request {
    let body = WebhookBody.encode(event)
    let id = event.id.description
    let timestamp = at.microseconds / 1_000_000
    let signature = WebhookSignature.header(id: id, timestamp: timestamp, body: body, secrets: endpoint.secrets)
    return GuardedHTTPClient.Request(
      fields: WebhookHeaders.fields(id: id, timestamp: timestamp, signature: signature, custom: endpoint.headers),
      body: body)
  }
}

/// How an attempt ended, and what follows from it.
struct WebhookResult: Sendable, Hashable {
  var attempt: DeliveryAttempt
  var failure: WebhookFailure?
  var retryAfter: String?

  init(_ result: Result<HTTPAnswer, WebhookFailure>, at: Timestamp, latency: Duration) {
    switch result {
    case .success(let answer):
      attempt = DeliveryAttempt(at: at, status: answer.status, latency: latency, error: nil, response: answer.text)
      retryAfter = answer.retryAfter
    case .failure(let failure):
      attempt = DeliveryAttempt(at: at, status: nil, latency: latency, error: failure.rawValue, response: nil)
      self.failure = failure
    }
  }

  var isDelivered: Bool { attempt.status.map { (200..<300).contains($0) } ?? false }

  /// It failed for what the endpoint can take, not for what it was sent.
  var isStrain: Bool {
    guard let status = attempt.status else { return failure != .interrupted }
    return status == 429 || status >= 500
  }

  /// How long the endpoint wants to be left alone; nil: it did not say. Standard Webhooks: 429, 502 and 504 throttle;
  /// RFC 9110 section 10.2.3 gives 503 the same word.
  func pause(at now: Timestamp) -> Duration? {
    guard let status = attempt.status, [429, 502, 503, 504].contains(status), let retryAfter else { return nil }
    return RetryAfter.parse(retryAfter, now: now).map { min($0, RetrySchedule.longestRetryAfter) }
  }

  /// Standard Webhooks: 2xx ends it, 410 says the endpoint is gone, all else, redirects too, is tried again.
  /// - Parameters:
  ///   - attempts: attempts made before this one.
  ///   - now: when this one ended.
  func disposition(
    attempts: Int, now: Timestamp, schedule: RetrySchedule, jitter: Double
  ) -> DeliveryOutcome.Disposition {
    switch attempt.status {
    case .some(200..<300): return .delivered
    case .some(410): return .dead
    default:
      // The gateway's own stop is no reason to wait.
      if failure == .interrupted { return .retry(at: now) }
      let asked = retryAfter.flatMap { RetryAfter.parse($0, now: now) }
      return schedule.disposition(attempts: attempts, now: now, retryAfter: asked, jitter: jitter)
    }
  }

  /// The word metrics count it under.
  var outcome: String {
    if let failure { return failure.rawValue }
    return isDelivered ? "delivered" : "refused"
  }
}
