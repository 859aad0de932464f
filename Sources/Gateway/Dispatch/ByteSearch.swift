// Looks for a few bytes in an event's data: every event is looked at.

import Glibc

extension UnsafeRawBufferPointer {
  /// Whether the bytes of `mark` stand in these.
  /// - Parameter rarest: where in `mark` a byte stands that is rare elsewhere: memchr looks for that one, many bytes at a
  ///   time.
  func holds(_ mark: StaticString, rarest: Int) -> Bool { end(of: mark, rarest: rarest, from: 0) != nil }

  /// The place behind the first `mark` that begins at `start` or later.
  func end(of mark: StaticString, rarest: Int, from start: Int) -> Int? {
    guard let base = baseAddress, count - start >= mark.utf8CodeUnitCount else { return nil }
    let byte = Int32(mark.utf8Start[rarest])
    let last = count - mark.utf8CodeUnitCount + rarest
    var position = start + rarest
    while position <= last, let found = memchr(base + position, byte, last + 1 - position) {
      position = UnsafeRawPointer(found) - base
      if memcmp(base + position - rarest, mark.utf8Start, mark.utf8CodeUnitCount) == 0 {
        return position - rarest + mark.utf8CodeUnitCount
      }
      position += 1
    }
    return nil
  }
}
