// LISTEN on a connection of its own. A notification is a hint, never a promise.

public import Logging
import Synchronization

/// Listens on channels and reconnects for as long as it runs.
///
/// Notifications are lost while the connection is away, and the oldest signals are dropped when nobody reads: whoever
/// follows a table polls it once after each `.listening`, and at an interval as a backstop.
public final class Listener: Sendable {
  public enum Signal: Sendable, Hashable {
    /// LISTEN has been committed (again): what was sent before it is not signalled.
    case listening
    case notification(channel: String, payload: String)
  }

  /// For one reader. Ends after `close()`.
  public let signals: AsyncStream<Signal>

  private let configuration: PostgresConfiguration
  private let channels: [String]
  private let heartbeat: Duration
  private let logger: Logger
  private let continuation: AsyncStream<Signal>.Continuation
  private let interrupt = Interrupt()
  private let isClosing = Atomic<Bool>(false)

  /// - Parameters:
  ///   - bufferLimit: signals kept for a reader that is busy; of more, the newest.
  ///   - heartbeat: after so much silence the server is asked whether it is still there.
  public init(
    configuration: PostgresConfiguration, channels: [String], bufferLimit: Int = 256,
    heartbeat: Duration = .seconds(20), logger: Logger
  ) {
    self.configuration = configuration
    self.channels = channels
    self.heartbeat = heartbeat
    self.logger = logger
    (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(max(1, bufferLimit)))
  }

  public func start() throws(PostgresError) {
    if !DedicatedThread.start(name: "pg-listener", { self.listen() }) {
      throw PostgresError(.unavailable, "the system has no thread left")
    }
  }

  /// Ends the thread and the stream; does not wait for them.
  public func close() {
    isClosing.store(true, ordering: .sequentiallyConsistent)
    interrupt.raise()
  }

  private func listen() {
    let connection = Connection(configuration, interrupt: interrupt)
    var backoff = Backoff(base: .milliseconds(50), cap: .seconds(2))
    let pause = SocketPause(interrupt: interrupt)
    while !isClosing.load(ordering: .sequentiallyConsistent) {
      do throws(PostgresError) {
        connection.deadline = .now + configuration.connectTimeout + .seconds(5)
        try connection.open()
        try connection.simple(channels.map { "LISTEN \(Self.quoted($0));" }.joined(separator: "\n"))
        backoff.reset()
        continuation.yield(.listening)
        try follow(connection)
      } catch {
        connection.close()
        if isClosing.load(ordering: .sequentiallyConsistent) { break }
        logger.warning("the listener reconnects", metadata: ["error": "\(error)"])
        pause.wait(backoff.next())
      }
    }
    connection.close()
    continuation.finish()
  }

  private func follow(_ connection: Connection) throws(PostgresError) {
    while true {
      connection.deadline = .now + heartbeat
      let found = try connection.notifications()
      for notification in found {
        continuation.yield(.notification(channel: notification.channel, payload: notification.payload))
      }
      if found.isEmpty {
        connection.deadline = .now + .seconds(5)
        try connection.simple("SELECT 1")
      }
    }
  }

  static func quoted(_ channel: String) -> String {
    "\"" + channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
  }
}

/// A pause that an interrupt cuts short.
private struct SocketPause {
  let interrupt: Interrupt
  func wait(_ duration: Duration) {
    _ = SocketWait.wait(for: -1, write: false, until: .now + duration, interrupt: interrupt)
  }
}
