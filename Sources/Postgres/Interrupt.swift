// Waking a thread that waits in `poll`.

import Glibc
import Synchronization

/// A flag with a descriptor that becomes readable while it is raised.
final class Interrupt: Sendable {
  let descriptor: Int32
  private let writer: Int32
  private let raised = Mutex(false)

  init() {
    var ends: [Int32] = [-1, -1]
    // Without descriptors left it can only not wake anybody: deadlines still hold.
    if pipe(&ends) != 0 { ends = [-1, -1] }
    for end in ends where end >= 0 {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    descriptor = ends[0]
    writer = ends[1]
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if writer >= 0 { close(writer) }
  }

  func raise() {
    raised.withLock { raised in
      guard !raised else { return }
      raised = true
      var byte: UInt8 = 1
      _ = write(writer, &byte, 1)
    }
  }

  func reset() {
    raised.withLock { raised in
      guard raised else { return }
      raised = false
      var byte: UInt8 = 0
      _ = read(descriptor, &byte, 1)
    }
  }

  var isRaised: Bool { raised.withLock(\.self) }
}
