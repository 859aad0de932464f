// Which page of which list a request asks for, and the cursor that leads to the next one.

import ChannelProtocol
import Crypto
import Foundation
import Storage

/// A list as a query describes it: where it is, and everything that decides which rows it has, in which order.
struct ListIdentity: Sendable, Hashable {
  var path: String
  /// The filters; how long a page is says nothing of the list.
  var filters: [String: String]
}

/// Makes cursors, and reads those of its own making: each is good for the list that it was made for, with the same
/// filters, on every node.
struct CursorSeal: Sendable {
  private static let tagLength = 8
  private let key: SymmetricKey

  /// - Parameter secret: one that all nodes have.
  init(secret: [UInt8]) {
    key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: secret), info: Data("fractal cursors".utf8), outputByteCount: 32)
  }

  func seal(_ cursor: PageCursor, of list: ListIdentity) -> String {
    let place = Self.bytes(of: cursor)
    return Data(tag(place, list) + place).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// nil: none of ours, or another list's.
  func open(_ text: String, of list: ListIdentity) -> PageCursor? {
    let standard = text.replacing("-", with: "+").replacing("_", with: "/")
    guard text.utf8.count <= 64,
      let bytes = Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)),
      bytes.count > Self.tagLength
    else { return nil }
    let place = Array(bytes.dropFirst(Self.tagLength))
    guard Array(bytes.prefix(Self.tagLength)) == tag(place, list) else { return nil }
    return Self.cursor(place)
  }

  private func tag(_ place: [UInt8], _ list: ListIdentity) -> [UInt8] {
    // Lengths in front: no two lists are written alike.
    var words = [list.path]
    for (name, value) in list.filters.sorted(by: { $0.key < $1.key }) { words += [name, value] }
    var message = place
    for word in words { message += Array("\(word.utf8.count):\(word)".utf8) }
    return Array(HMAC<SHA256>.authenticationCode(for: Data(message), using: key).prefix(Self.tagLength))
  }

  // MARK: The place in a list: the id, and the numbers that it has

  private static func bytes(of cursor: PageCursor) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ value: UInt64) {
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: value >> shift))
      }
    }
    append(cursor.id.high)
    append(cursor.id.low)
    if let time = cursor.time {
      append(UInt64(bitPattern: time.microseconds))
      if let start = cursor.start { append(UInt64(bitPattern: start)) }
    }
    return bytes
  }

  private static func cursor(_ bytes: [UInt8]) -> PageCursor? {
    guard [16, 24, 32].contains(bytes.count) else { return nil }
    let words = stride(from: 0, to: bytes.count, by: 8).map { start in
      bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    return PageCursor(
      id: Identifier(high: words[0], low: words[1]),
      time: words.count > 2 ? Timestamp(microseconds: Int64(bitPattern: words[2])) : nil,
      start: words.count > 3 ? Int64(bitPattern: words[3]) : nil)
  }
}

/// A page that is asked for.
struct ListPage: Sendable {
  let request: PageRequest
  let list: ListIdentity
  let seal: CursorSeal

  /// What an answer shows as `nextCursor`.
  func text(of next: PageCursor?) -> String? { next.map { seal.seal($0, of: list) } }
}
