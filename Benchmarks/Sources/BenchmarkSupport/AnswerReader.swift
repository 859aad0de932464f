// Reads just enough HTTP to find the end of an answer.

import Glibc

/// What has come on a connection of the answer that is awaited.
struct AnswerReader {
  private var bytes = [UInt8](repeating: 0, count: 4_096)
  private var count = 0

  /// Reads once; call it when there is something to read.
  /// - Returns: the status of a whole answer; nil: more must come.
  mutating func read(_ descriptor: Int32) throws -> Int? {
    if count == bytes.count { bytes += [UInt8](repeating: 0, count: bytes.count) }
    let (start, room) = (count, bytes.count - count)
    let received = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress?.advanced(by: start), room, 0) }
    guard received > 0 else { throw BenchmarkFailure("the connection was closed before the answer had come") }
    count += received
    let status = bytes.withUnsafeBytes { Self.status(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    if status != nil { count = 0 }
    return status
  }

  /// One request is under way at a time, so a whole answer ends where the bytes do.
  private static func status(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var length = 0
    var position = 0
    while position + 4 <= bytes.count {
      if bytes[position] == 13 {
        if bytes[position + 2] == 13 {
          return position + 4 + length <= bytes.count ? number(bytes, 9) : nil
        }
        if isContentLength(bytes, position + 2) {
          length = number(bytes, position + 2 + contentLength.utf8CodeUnitCount)
        }
      }
      position += 1
    }
    return nil
  }

  private static let contentLength: StaticString = "content-length:"

  private static func isContentLength(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Bool {
    guard start + contentLength.utf8CodeUnitCount < bytes.count else { return false }
    for index in 0..<contentLength.utf8CodeUnitCount
    where bytes[start + index] | 0x20 != contentLength.utf8Start[index] | 0x20 {
      return false
    }
    return true
  }

  private static func number(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
    var position = start
    while position < bytes.count, bytes[position] == 32 { position += 1 }
    var value = 0
    while position < bytes.count, (48...57).contains(bytes[position]) {
      value = value * 10 + Int(bytes[position] - 48)
      position += 1
    }
    return value
  }
}
