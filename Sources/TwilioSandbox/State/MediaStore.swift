// Bytes of the media that phones have sent, with a bound.

import DequeModule

/// Media by SID. Beyond its limit of bytes the oldest is forgotten.
struct MediaStore: Sendable {
  /// A stored file.
  struct File: Sendable, Equatable {
    var contentType: String
    var bytes: [UInt8]
  }

  private var files: [String: File] = [:]
  private var order: Deque<String> = []
  private var size = 0
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
  }

  subscript(sid: String) -> File? { files[sid] }

  mutating func insert(_ sid: String, _ file: File) {
    files[sid] = file
    order.append(sid)
    size += file.bytes.count
    while size > limit, order.count > 1 { remove(order[0]) }
  }

  mutating func remove(_ sid: String) {
    guard let file = files.removeValue(forKey: sid) else { return }
    size -= file.bytes.count
    if order.first == sid { order.removeFirst() } else { order.removeAll { $0 == sid } }
  }
}
