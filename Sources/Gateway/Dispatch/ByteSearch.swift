// Looks for a few bytes in an event's data: every event is looked at.

import Glibc

extension UnsafeRawBufferPointer {
  /// Whether the bytes of `mark` stand in these.
  /// - Parameter rarest: where in `mark` a byte stands that is rare elsewhere: memchr looks for that one, many bytes at a
  ///   time.
  func holds(_ mark: StaticString, rarest: Int) -> Bool {
    guard let start = baseAddress, count >= mark.utf8CodeUnitCount else { return false }
    let byte = Int32(mark.utf8Start[rarest])
    let last = count - mark.utf8CodeUnitCount + rarest
    var position = rarest
    while position <= last, let found = memchr(start + position, byte, last + 1 - position) {
      position = UnsafeRawPointer(found) - start
      if memcmp(start + position - rarest, mark.utf8Start, mark.utf8CodeUnitCount) == 0 { return true }
      position += 1
    }
    return false
  }
}
