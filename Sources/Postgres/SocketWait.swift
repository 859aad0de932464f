// The one place where a thread waits for the network.

import Glibc

enum SocketWait {
  case ready
  case expired
  case interrupted

  /// Waits until `socket` is readable (or writable, where asked), the deadline passes, or the interrupt is raised.
  static func wait(
    for socket: Int32, read: Bool = true, write: Bool, until deadline: ContinuousClock.Instant,
    interrupt: Interrupt?
  ) -> SocketWait {
    let events = Int16((read ? POLLIN : 0) | (write ? POLLOUT : 0))
    // poll ignores negative descriptors.
    var descriptors = (
      pollfd(fd: socket, events: events, revents: 0),
      pollfd(fd: interrupt?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
    )
    while true {
      let found = withUnsafeMutableBytes(of: &descriptors) { bytes in
        poll(bytes.assumingMemoryBound(to: pollfd.self).baseAddress, 2, deadline.remaining.wholeMilliseconds)
      }
      if found > 0 { return descriptors.1.revents != 0 ? .interrupted : .ready }
      if found < 0 && errno != EINTR { return .ready }  // libpq will meet the same error and say what it is.
      if deadline.hasPassed { return .expired }
    }
  }
}
