// One part of the gateway as a service.

import ServiceLifecycle

/// A part that runs until its task is cancelled, as a service that a graceful shutdown cancels.
struct Running: Service, CustomStringConvertible {
  let name: String
  private let body: @Sendable () async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
    self.name = name
    self.body = body
  }

  var description: String { name }

  /// - Throws: also when the part ends unasked. A service that returns has its group cancelled at once, the server with
  ///   it; one that throws lets the others stop as they should.
  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown(body)
    } catch is CancellationError {
      // That is how it ends.
    }
    guard Task.isShuttingDownGracefully || Task.isCancelled else {
      throw ServiceGroupError.serviceFinishedUnexpectedly(service: name)
    }
  }
}
