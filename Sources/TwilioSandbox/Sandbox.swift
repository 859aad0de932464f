// The sandbox as a service: its listener, its timeline and its webhooks, in one task tree.

public import ServiceLifecycle

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// A local Twilio: the Messages API, signed webhooks, status callbacks.
///
/// `run()` serves until it is cancelled or shut down; ``started()`` waits until it listens.
///
/// ```swift
/// let sandbox = Sandbox(configuration)
/// async let running: Void = sandbox.run()
/// let url = try await sandbox.started()
/// sandbox.setWebhooks(.init(incoming: "http://127.0.0.1:3000/webhooks/twilio/inbound"))
/// ```
public final class Sandbox: Service {
  public let configuration: SandboxConfiguration
  private let state: Mutex<SandboxState>
  private let queue: WebhookQueue
  private let address = BoundAddress()
  /// The earliest moment somebody sleeps until.
  private let armed = Mutex<UTCTime?>(nil)
  private let wake: AsyncStream<Void>
  private let wakeSource: AsyncStream<Void>.Continuation

  public init(_ configuration: SandboxConfiguration = SandboxConfiguration()) {
    self.configuration = configuration
    state = Mutex(SandboxState(configuration))
    queue = WebhookQueue(settings: configuration.delivery)
    (wake, wakeSource) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Listens and works until it is cancelled or shut down gracefully. Once only.
  ///
  /// - Throws: when the address cannot be bound.
  public func run() async throws {
    // Made here: an HTTP client that exists must be closed, a sandbox that never ran need not be.
    let sender = WebhookSender(settings: configuration.delivery)
    let result: Result<Void, any Error>
    do {
      try await serve(sender)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    address.close()
    try await sender.close()
    try result.get()
  }

  private func serve(_ sender: WebhookSender) async throws {
    let application = Application(
      router: SandboxRouter(sandbox: self).router,
      configuration: .init(address: .hostname(configuration.host, port: configuration.port), serverName: nil),
      onServerRunning: { [address, configuration] channel in
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        address.open("http://\(host):\(channel.localAddress?.port ?? configuration.port)")
      },
      logger: configuration.logger)
    var servers = ServiceGroupConfiguration(services: [.init(service: application)], logger: configuration.logger)
    // A request may wait for a webhook that nobody takes.
    servers.maximumGracefulShutdownDuration = .seconds(1)
    let server = ServiceGroup(configuration: servers)
    try await withThrowingTaskGroup(of: Void.self) { group in
      // Stopped first: a request may wait for a webhook that is under way.
      group.addTask { await cancelWhenGracefulShutdown { await self.queue.run(sender) } }
      group.addTask { await self.followTimeline() }
      // Never cancelled while it listens: what is accepted in that moment nobody would finish, and NIO ends the process
      // for it. A graceful shutdown closes the listener first.
      let serving = Task { try await server.run() }
      try await withTaskCancellationHandler {
        try await serving.value
      } onCancel: {
        Task { await server.triggerGracefulShutdown() }
      }
      wakeSource.finish()
      queue.close()
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  /// The only place that moves the timeline: webhooks of one message enter the queue in their order.
  private func followTimeline() async {
    await withDiscardingTaskGroup { sleepers in
      for await _ in wake {
        let now = UTCTime.now
        let (webhooks, next) = state.withLock { ($0.advance(to: now), $0.nextDue) }
        for webhook in webhooks { send(webhook) }
        guard let next, arm(next) else { continue }
        sleepers.addTask {
          try? await Task.sleep(for: .microseconds(max(0, next.microseconds - now.microseconds)))
          self.disarm(next)
        }
      }
      sleepers.cancelAll()
    }
  }

  /// - Returns: false when somebody already sleeps until then or shorter.
  private func arm(_ due: UTCTime) -> Bool {
    armed.withLock { armed in
      if let armed, armed <= due { return false }
      armed = due
      return true
    }
  }

  /// A sleeper has woken, by whatever clock: the timeline looks again, and sleeps again if it was too early.
  private func disarm(_ due: UTCTime) {
    armed.withLock { if $0 == due { $0 = nil } }
    wakeSource.yield()
  }

  private func send(_ webhook: OutgoingWebhook) {
    queue.add(webhook) { [self] delivery in remember(delivery) }
  }

  @discardableResult
  private func remember(_ delivery: WebhookDelivery) -> WebhookDelivery {
    var delivery = delivery
    delivery.finished = .now
    if let error = delivery.error {
      configuration.logger.notice(
        "webhook not delivered", metadata: ["sid": "\(delivery.messageSID)", "error": "\(error)"])
    }
    state.withLock { $0.remember(delivery) }
    return delivery
  }

  /// Decides something in the state; afterwards the timeline looks for what is due.
  func change<Value, Failure: Error>(
    _ decide: (inout SandboxState) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    defer { wakeSource.yield() }
    return try state.withLock { state throws(Failure) in try decide(&state) }
  }

  /// Reads something in the state.
  func read<Value, Failure: Error>(
    _ look: (SandboxState) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    try state.withLock { state throws(Failure) in try look(state) }
  }

  /// Sends callbacks that a request has brought about.
  func send(_ webhooks: [OutgoingWebhook]) {
    for webhook in webhooks { send(webhook) }
  }
}

extension Sandbox {
  /// Waits until the sandbox listens.
  ///
  /// - Returns: `http://host:port`, without a trailing slash.
  /// - Throws: `SandboxStopped` when it ended before, `CancellationError`.
  public func started() async throws -> String { try await address.wait() }

  /// `http://host:port` while the sandbox listens.
  public var baseURL: String? { address.current }

  /// Sets the webhook URLs of an account; nil: of the first one.
  public func setWebhooks(_ webhooks: SandboxWebhooks, account sid: String? = nil) {
    change { state in
      guard let index = state.accounts.firstIndex(where: { sid == nil || $0.sid == sid }) else { return }
      state.accounts[index].webhooks = webhooks
    }
  }

  /// The secondary token takes the primary one's place, which is void from then on; nil: of the first account.
  public func promoteToken(account sid: String? = nil) {
    change { state in
      guard let index = state.accounts.firstIndex(where: { sid == nil || $0.sid == sid }),
        let token = state.accounts[index].secondaryAuthToken
      else { return }
      state.accounts[index].authToken = token
      state.accounts[index].secondaryAuthToken = nil
    }
  }

  /// Sets what goes wrong from now on.
  public func setChaos(_ chaos: Chaos) {
    change { $0.chaos = chaos }
  }

  /// Forgets messages, media, blocks, deliveries and chaos; accounts and webhook URLs stay.
  public func reset() {
    change { $0.reset() }
  }

  /// The newest messages, newest first.
  public func messages(limit: Int = .max) -> [SandboxMessage] {
    read { Array($0.log.newestFirst.prefix(limit)) }
  }

  /// The newest webhook deliveries, oldest first.
  public func deliveries(limit: Int = .max) -> [WebhookDelivery] {
    read { Array($0.deliveries.suffix(limit)) }
  }

  /// A phone texts in: logs the message, delivers its webhook and waits for the answer.
  ///
  /// - Throws: ``ControlError`` when the number is not ours. A failed webhook is no error: see the receipt.
  public func receive(_ text: InboundText) async throws -> InboundReceipt {
    let mediaBaseURL = try await started()
    let (sid, webhook) = try change { state throws(ControlError) in
      try state.receive(text, mediaBaseURL: mediaBaseURL, now: .now)
    }
    guard let webhook else { return InboundReceipt(sid: sid, webhook: nil) }
    // Ends with the delivery, which has its own time limit; the queue answers every completion once.
    let delivery = await withCheckedContinuation { continuation in
      queue.add(webhook) { delivery in continuation.resume(returning: delivery) }
    }
    return InboundReceipt(sid: sid, webhook: remember(delivery))
  }
}

extension Sandbox {
  /// A person touches a button of a message that was sent, or picks a row of its list.
  ///
  /// - Throws: ``ControlError`` where there is no such message, or nothing of that name on it.
  public func tap(_ tap: ButtonTap) async throws -> InboundReceipt {
    try await receive(try read { state throws(ControlError) in try state.answer(to: tap) })
  }
}

extension Sandbox {
  /// Runs a sandbox for the time of an operation, for tests.
  ///
  /// - Returns: what the operation returns, after the sandbox has stopped.
  /// - Throws: what the operation throws; `SandboxStopped` when it could not listen.
  public static func withRunning<Value: Sendable>(
    _ configuration: SandboxConfiguration = SandboxConfiguration(), _ operation: (Sandbox) async throws -> Value
  ) async throws -> Value {
    let sandbox = Sandbox(configuration)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      // Ends by cancellation; when it ends before, `started()` or the operation's own requests say so.
      group.addTask { try? await sandbox.run() }
      defer { group.cancelAll() }
      _ = try await sandbox.started()
      return try await operation(sandbox)
    }
  }
}
