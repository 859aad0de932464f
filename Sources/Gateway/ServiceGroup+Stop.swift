// How services end together, whoever wants them to: one after the other, the last one first.

import Logging
import ServiceLifecycle
import UnixSignals

extension ServiceGroup {
  /// - Parameters:
  ///   - services: in the order of their start; a stop goes through them backwards. One that throws stops the others
  ///     too, and is what ``runUntilCancelled(afterwards:)`` throws.
  ///   - deadline: how long a stop may take; what has not ended by then is cancelled.
  init(stopping services: [any Service], signals: [UnixSignal], within deadline: Duration, logger: Logger) {
    var configuration = ServiceGroupConfiguration(
      services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) },
      gracefulShutdownSignals: signals, logger: logger)
    configuration.maximumGracefulShutdownDuration = deadline
    self.init(configuration: configuration)
  }

  /// Runs the services until they end; when the caller's task is cancelled, they are stopped as by a signal.
  ///
  /// A server must not be cancelled while it listens: the connection that is accepted in that moment is dropped
  /// (`NIOThrowingAsyncSequenceProducer` in the state `cancelled`), and NIO ends the process for a connection that
  /// nobody has finished. A graceful shutdown closes the listener first, and leaves none out.
  ///
  /// - Parameter afterwards: done once all services have ended, however they did, in a task that is not cancelled.
  func runUntilCancelled(afterwards: @escaping @Sendable () async -> Void = {}) async throws {
    let running = Task {
      let result: Result<Void, any Error>
      do { result = .success(try await run()) } catch { result = .failure(error) }
      await afterwards()
      try result.get()
    }
    try await withTaskCancellationHandler {
      try await running.value
    } onCancel: {
      Task { await triggerGracefulShutdown() }
    }
  }
}
