// Runs webhooks with a bound on those that wait and on those that run.

import Synchronization

/// The queue of outgoing webhooks. Its `run(_:)` must be running for anything to leave.
final class WebhookQueue: Sendable {
  typealias Completion = @Sendable (WebhookDelivery) -> Void

  private struct Job: Sendable {
    var webhook: OutgoingWebhook
    var completion: Completion
  }

  private struct State: Sendable {
    var queue: KeyedQueue<Job>
    var isClosed = false
  }

  private let state: Mutex<State>
  private let wake: AsyncStream<Void>
  private let wakeSource: AsyncStream<Void>.Continuation

  init(settings: SandboxConfiguration.Delivery) {
    state = Mutex(State(queue: KeyedQueue(limit: settings.queueLimit, concurrency: settings.concurrency)))
    (wake, wakeSource) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Queues a webhook. The completion is called exactly once: after the delivery, or at once when the queue is full
  /// or closed.
  func add(_ webhook: OutgoingWebhook, completion: @escaping Completion) {
    let refusal = state.withLock { state -> String? in
      if state.isClosed { return "the sandbox is stopping" }
      let isTaken = state.queue.add(Job(webhook: webhook, completion: completion), key: webhook.messageSID)
      return isTaken ? nil : "the webhook queue is full"
    }
    if let refusal {
      completion(Self.undelivered(webhook, refusal))
    } else {
      wakeSource.yield()
    }
  }

  /// Delivers until ``close()``; then what still waits is given up and what runs is cancelled.
  func run(_ sender: WebhookSender) async {
    await withDiscardingTaskGroup { deliveries in
      for await _ in wake {
        while let (key, job) = state.withLock({ $0.queue.start() }) {
          deliveries.addTask {
            job.completion(await sender.deliver(job.webhook))
            self.state.withLock { $0.queue.finish(key) }
            self.wakeSource.yield()
          }
        }
      }
      deliveries.cancelAll()
    }
    close()
  }

  func close() {
    let left = state.withLock { state in
      state.isClosed = true
      return state.queue.removeAll()
    }
    wakeSource.finish()
    for job in left { job.completion(Self.undelivered(job.webhook, "the sandbox is stopping")) }
  }

  private static func undelivered(_ webhook: OutgoingWebhook, _ reason: String) -> WebhookDelivery {
    var delivery = WebhookDelivery(webhook)
    delivery.error = reason
    return delivery
  }
}
