// A lock with conditions, for threads that wait for work.

import Glibc

/// State behind a POSIX mutex, with conditions that threads (never tasks) wait on.
// Sound: `state` is touched only with `mutex` held, and both pointers live until deinit.
final class Monitor<State: Sendable>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var state: State

  init(_ state: State) {
    self.state = state
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Waits until `body` yields a value, at most until the deadline that `deadline` gives for the state (nil: as long
  /// as it takes); then nil.
  func wait<Result>(
    on condition: Condition, until deadline: (State) -> ContinuousClock.Instant?, _ body: (inout State) -> Result?
  ) -> Result? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&state) { return result }
      guard let limit = deadline(state) else {
        pthread_cond_wait(condition.pointer, mutex)
        continue
      }
      let remaining = limit.remaining
      if remaining == .zero { return nil }
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      let nanoseconds = Int64(time.tv_nsec) + min(remaining.nanosecondsClamped, 1_000_000_000_000_000)
      time.tv_sec += Int(nanoseconds / 1_000_000_000)
      time.tv_nsec = Int(nanoseconds % 1_000_000_000)
      pthread_cond_timedwait(condition.pointer, mutex, &time)
    }
  }
}

/// What threads of a `Monitor` wait on.
// Sound: POSIX conditions are made for use from several threads; the pointer is fixed.
final class Condition: @unchecked Sendable {
  let pointer = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(pointer, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(pointer)
    pointer.deallocate()
  }

  func signal() { pthread_cond_signal(pointer) }
  func broadcast() { pthread_cond_broadcast(pointer) }
}
