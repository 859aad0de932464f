// A file out of a form (`multipart/form-data`, RFC 7578), read as it comes: only the file is ever held, up to its limit.

import Glibc

/// Takes a body in pieces of any size and keeps the one field that is wanted.
struct MultipartUpload: Sendable {
  /// The field, once its part has ended.
  struct Part: Sendable, Hashable {
    var filename: String?
    var contentType: String?
    var bytes: [UInt8]
  }

  enum Fault: Error, Sendable, Hashable {
    /// No form, or one that ends too early; the words say where.
    case malformed(String)
    case tooLarge
    /// The field is not in the form, or several times.
    case missing
    case repeated
  }

  private enum State {
    /// Before the first boundary, in a part that nobody wants, or after the last.
    case skipping
    case afterBoundary
    case headers
    case wanted
    case ended
  }

  private let field: String
  private let limit: Int
  /// What ends a part: the line end belongs to it.
  private let delimiter: [UInt8]
  private var state = State.skipping
  /// What has come and is not decided yet. Begins with a line end, as if one had come before the first boundary.
  private var pending: [UInt8] = [0x0D, 0x0A]
  private var current: Part?
  private var found: Part?
  /// Bytes of everything but the file: nobody fills us with those.
  private var others = 0

  private static let maximumHeaders = 16 << 10
  private static let maximumOthers = 1 << 20

  init(boundary: String, field: String, limit: Int) {
    self.field = field
    self.limit = limit
    delimiter = [0x0D, 0x0A, 0x2D, 0x2D] + Array(boundary.utf8)
  }

  /// The boundary out of a `Content-Type`; nil: it is no form, or names none.
  static func boundary(_ contentType: String) -> String? {
    guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
    let boundary = HeaderParameters(contentType)["boundary"] ?? ""
    // RFC 2046, section 5.1.1.
    return (1...70).contains(boundary.utf8.count) ? boundary : nil
  }

  mutating func take(_ piece: some Sequence<UInt8>) throws(Fault) {
    guard state != .ended else { return }
    pending += piece
    while try step() {}
  }

  /// - Throws: ``Fault/missing`` where no such field came.
  func finish() throws(Fault) -> Part {
    guard state == .ended else { throw .malformed("it ends before its last boundary") }
    guard let found else { throw .missing }
    return found
  }

  /// - Returns: whether there is more to decide in what has come.
  private mutating func step() throws(Fault) -> Bool {
    switch state {
    case .skipping, .wanted: return try body()
    case .afterBoundary: return try boundaryLine()
    case .headers: return try headers()
    case .ended: return false
    }
  }

  private mutating func body() throws(Fault) -> Bool {
    let end = Self.firstIndex(of: delimiter, in: pending)
    // What may still be the beginning of a boundary stays.
    let count = end ?? max(0, pending.count - delimiter.count + 1)
    if state == .wanted {
      guard (current?.bytes.count ?? 0) + count <= limit else { throw .tooLarge }
      current?.bytes += pending.prefix(count)
    } else {
      try skip(count)
    }
    pending.removeFirst(end == nil ? count : count + delimiter.count)
    guard end != nil else { return false }
    if state == .wanted {
      guard found == nil else { throw .repeated }
      found = current
      current = nil
    }
    state = .afterBoundary
    return true
  }

  private mutating func boundaryLine() throws(Fault) -> Bool {
    guard pending.count >= 2 else { return false }
    if pending.starts(with: [0x2D, 0x2D]) {
      state = .ended
      pending = []
      return false
    }
    guard let end = Self.firstIndex(of: [0x0D, 0x0A], in: pending) else {
      if pending.count > Self.maximumHeaders { throw .malformed("a boundary is not at the end of its line") }
      return false
    }
    guard pending[..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 })
    else { throw .malformed("a boundary is not at the end of its line") }
    // Its line end stays: without any header the empty line follows at once.
    pending.removeFirst(end)
    state = .headers
    return true
  }

  private mutating func headers() throws(Fault) -> Bool {
    guard let end = Self.firstIndex(of: [0x0D, 0x0A, 0x0D, 0x0A], in: pending) else {
      if pending.count > Self.maximumHeaders { throw .malformed("a part's headers are too long") }
      return false
    }
    let text = String(decoding: pending[..<end], as: UTF8.self)
    try skip(end + 4)
    pending.removeFirst(end + 4)
    var part = Part(filename: nil, contentType: nil, bytes: [])
    var name: String?
    for line in text.split(separator: "\r\n") {
      let halves = line.split(separator: ":", maxSplits: 1)
      guard halves.count == 2 else { continue }
      let value = String(halves[1].drop { $0 == " " || $0 == "\t" })
      switch halves[0].lowercased() {
      case "content-disposition":
        let parameters = HeaderParameters(value)
        name = parameters["name"]
        part.filename = parameters["filename"]
      case "content-type": part.contentType = value
      default: break
      }
    }
    if name == field {
      current = part
      state = .wanted
    } else {
      state = .skipping
    }
    return true
  }

  private mutating func skip(_ count: Int) throws(Fault) {
    others += count
    if others > Self.maximumOthers { throw .tooLarge }
  }

  private static func firstIndex(of needle: [UInt8], in bytes: [UInt8]) -> Int? {
    bytes.withUnsafeBytes { hay in
      needle.withUnsafeBytes { needle in
        guard let start = hay.baseAddress, let wanted = needle.baseAddress else { return nil }
        var offset = 0
        while offset + needle.count <= hay.count {
          let rest = hay.count - needle.count - offset + 1
          guard let place = memchr(start + offset, Int32(needle[0]), rest) else { return nil }
          if memcmp(place, wanted, needle.count) == 0 { return UnsafeRawPointer(place) - start }
          offset = UnsafeRawPointer(place) - start + 1
        }
        return nil
      }
    }
  }
}

/// The parameters of a header such as `form-data; name="file"; filename="a b.png"`.
struct HeaderParameters: Sendable {
  private var values: [String: String] = [:]

  init(_ header: String) {
    var rest = Substring(header).drop { $0 != ";" }.dropFirst()
    while !rest.isEmpty {
      rest = rest.drop { $0 == " " || $0 == "\t" || $0 == ";" }
      let name = rest.prefix { $0 != "=" && $0 != ";" }
      rest = rest.dropFirst(name.count)
      guard rest.first == "=" else { continue }
      rest.removeFirst()
      let value = Self.value(&rest)
      let key = name.trimmingPrefix(" ").lowercased()
      if values[key] == nil { values[key] = value }
      rest = rest.drop { $0 != ";" }
    }
  }

  subscript(name: String) -> String? { values[name] }

  private static func value(_ rest: inout Substring) -> String {
    guard rest.first == "\"" else {
      let value = rest.prefix { $0 != ";" && $0 != " " && $0 != "\t" }
      rest = rest.dropFirst(value.count)
      return String(value)
    }
    rest.removeFirst()
    var value = ""
    while let character = rest.popFirst(), character != "\"" {
      // Browsers write a quotation mark as %22 and a backslash as it is: only what must be escaped is.
      if character == "\\", let next = rest.first, next == "\"" || next == "\\" {
        value.append(next)
        rest.removeFirst()
      } else {
        value.append(character)
      }
    }
    return value.replacing("%22", with: "\"")
  }
}
