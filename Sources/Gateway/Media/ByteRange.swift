// Which part of a file a request asks for (RFC 9110, section 14).

/// What a `Range` header comes to for a file of a certain size.
enum ByteRange: Sendable, Hashable {
  case whole
  case part(Range<Int>)
  /// 416: well-formed, but nothing of the file is in it.
  case unsatisfiable

  /// Several ranges, other units and what is malformed are passed over, as the RFC allows: the whole file is right too.
  init(_ header: String?, size: Int) {
    guard let header, header.lowercased().hasPrefix("bytes=") else {
      self = .whole
      return
    }
    let parts = header.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      self = .whole
      return
    }
    switch (Self.number(parts[0]), Self.number(parts[1])) {
    case (let first?, _) where parts[1].isEmpty:
      self = first < size ? .part(first..<size) : .unsatisfiable
    case (let first?, let last?) where first <= last:
      self = first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
    case (nil, let suffix?) where parts[0].isEmpty:
      self = suffix > 0 && size > 0 ? .part(max(0, size - suffix)..<size) : .unsatisfiable
    default:
      self = .whole
    }
  }

  /// A number too large to hold lies behind every file.
  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
      return nil
    }
    return Int(text).map { min($0, .max - 1) } ?? .max - 1
  }
}

/// Entity tags in conditional requests (RFC 9110, section 13).
enum EntityTags {
  /// `If-None-Match`: whether the client has the file already.
  static func contain(_ header: String?, _ tag: String) -> Bool {
    guard let header else { return false }
    return header.split(separator: ",").contains { element in
      let given = element.drop { $0 == " " }.prefix { $0 != " " }
      return given == "*" || given == tag || given == "W/" + tag
    }
  }

  /// `If-Range`: whether a part may be given. A date never matches: files carry none.
  static func allowPart(_ header: String?, _ tag: String) -> Bool { header.map { $0 == tag } ?? true }
}
