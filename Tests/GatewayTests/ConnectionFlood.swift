// Clients without number, so that one is accepted in whatever moment a server is stopped.

import Foundation
import Glibc
import Synchronization

/// Connects as fast as it can, says nothing and goes, until nobody listens any more.
final class ConnectionFlood: Sendable {
  private let threads = DispatchGroup()
  private let connected = Atomic(0)

  /// - Parameter port: of a server on this machine that listens now.
  init(port: Int, threads count: Int = 2) {
    for _ in 0..<count {
      threads.enter()
      // Its calls block, which the pool of tasks has no threads for.
      Thread.detachNewThread { [self] in
        while Self.connect(to: port) { connected.add(1, ordering: .relaxed) }
        threads.leave()
      }
    }
  }

  var count: Int { connected.load(ordering: .relaxed) }

  /// Waits until every client has found the port closed.
  func ended() async {
    await withCheckedContinuation { continuation in
      threads.notify(queue: .global()) { continuation.resume() }
    }
  }

  private static func connect(to port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
