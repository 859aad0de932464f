// Threads of our own, so that nothing blocks Swift's cooperative pool.

import CLibpq
import Glibc

/// Starts threads that may block.
enum DedicatedThread {
  /// A mebibyte: closures of callers run here.
  private static let stackBytes = 1 << 20

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// Starts a detached thread.
  ///
  /// - Parameter name: the first 15 bytes are what `top -H` shows.
  /// - Returns: false when the system has no thread left.
  @discardableResult
  static func start(name: String, _ run: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let shortName = String(decoding: name.utf8.prefix(15), as: UTF8.self)
    let body = Unmanaged.passRetained(
      Body {
        _ = fractal_name_this_thread(shortName)
        run()
      })
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, body.toOpaque())
    if status != 0 { body.release() }
    return status == 0
  }

  /// Runs blocking work on a thread of its own and hands back what it returns.
  static func run<Value: Sendable>(
    name: String, _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let started = start(name: name) { continuation.resume(with: Result(catching: work)) }
      if !started { continuation.resume(throwing: PostgresError(.unavailable, "the system has no thread left")) }
    }
  }
}
