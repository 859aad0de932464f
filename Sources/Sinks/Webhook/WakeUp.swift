// A signal for one waiting loop, with a deadline, that is never lost.

import NIOCore
import NIOPosix
import Synchronization

/// Several signals before a wait count as one. One task waits at a time.
final class WakeUp: Sendable {
  private struct State {
    var isSignalled = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  func signal() {
    let waiter = state.withLock { state in
      defer { state.waiter = nil }
      if state.waiter == nil { state.isSignalled = true }
      return state.waiter
    }
    waiter?.resume()
  }

  /// Returns at the next signal, after `limit`, or on cancellation; now and then sooner.
  func wait(atMost limit: Duration) async {
    // The deadline is a signal too: a late one costs the loop one idle turn.
    let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: TimeAmount(limit)) { self.signal() }
    defer { timer.cancel() }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isSignalled = state.withLock { state in
          if state.isSignalled {
            state.isSignalled = false
            return true
          }
          state.waiter = continuation
          return false
        }
        if isSignalled { continuation.resume() }
      }
    } onCancel: {
      signal()
    }
  }
}

/// Growing pauses between attempts at something that is away, each a random part of its bound.
struct Backoff: Sendable {
  private var bound = Duration.milliseconds(50)
  private(set) var failures = 0

  /// The next pause: between half the bound and the bound, which doubles up to 5 s.
  mutating func next() -> Duration {
    failures += 1
    defer { bound = min(bound * 2, .seconds(5)) }
    return bound * Double.random(in: 0.5...1)
  }

  mutating func reset() { self = Backoff() }
}
