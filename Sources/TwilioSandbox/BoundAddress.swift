// The address the listener got, for those who wait for it.

import Synchronization

/// The sandbox ended, or never listened.
public struct SandboxStopped: Error {}

/// Opens once with an address, closes once; waiters are resumed exactly once.
final class BoundAddress: Sendable {
  private enum State: Sendable {
    case waiting([Int: CheckedContinuation<String, any Error>], next: Int)
    case open(String)
    case closed
  }

  private let state = Mutex(State.waiting([:], next: 0))

  var current: String? {
    state.withLock { if case .open(let address) = $0 { address } else { nil } }
  }

  func open(_ address: String) {
    for waiter in settle(.open(address)) { waiter.resume(returning: address) }
  }

  func close() {
    for waiter in settle(.closed) { waiter.resume(throwing: SandboxStopped()) }
  }

  private func settle(_ settled: State) -> [CheckedContinuation<String, any Error>] {
    state.withLock { state in
      defer { state = settled }
      if case .waiting(let waiters, _) = state { return Array(waiters.values) }
      return []
    }
  }

  /// - Throws: ``SandboxStopped``, `CancellationError`.
  func wait() async throws -> String {
    let id = state.withLock { state -> Int? in
      guard case .waiting(let waiters, let next) = state else { return nil }
      state = .waiting(waiters, next: next + 1)
      return next
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let result = state.withLock { state -> Result<String, any Error>? in
          switch state {
          case .open(let address): return .success(address)
          case .closed: return .failure(SandboxStopped())
          case .waiting(var waiters, let next):
            // Cancelled before it could wait: the handler found nobody to resume.
            if Task.isCancelled { return .failure(CancellationError()) }
            if let id { waiters[id] = continuation }
            state = .waiting(waiters, next: next)
            return nil
          }
        }
        if let result { continuation.resume(with: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<String, any Error>? in
        guard case .waiting(var waiters, let next) = state, let id else { return nil }
        let waiter = waiters.removeValue(forKey: id)
        state = .waiting(waiters, next: next)
        return waiter
      }
      waiter?.resume(throwing: CancellationError())
    }
  }
}
