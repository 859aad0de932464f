// How a browser is to treat a file, and under which name it is saved.

/// `Content-Disposition` (RFC 6266) with the file's name in ASCII, and exactly (RFC 8187, once RFC 5987) where it is
/// more than that.
enum ContentDisposition {
  static func header(filename: String?, type: MediaTypeName, fallback: String) -> String {
    let kind = type.isShownInline ? "inline" : "attachment"
    let name = sane(filename ?? "")
    guard !name.isEmpty else {
      return "\(kind); filename=\"\(fallback)\(type.fileEnding.map { "." + $0 } ?? "")\""
    }
    let ascii = String(name.unicodeScalars.map { isQuotable($0) ? Character($0) : "_" })
    let plain = "\(kind); filename=\"\(ascii)\""
    return ascii == name ? plain : "\(plain); filename*=UTF-8''\(percentEncoded(name))"
  }

  /// A name and not a path, without control characters, of a length that file systems take.
  static func sane(_ filename: String) -> String {
    let last = filename.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
    var name = String(String.UnicodeScalarView(last.unicodeScalars.filter { !$0.properties.isControl }))
    while name.utf8.count > 200 { name.removeLast() }
    return name == "." || name == ".." ? "" : name
  }

  /// Stands in a quoted string as it is; `%` does not, because some browsers decode it.
  private static func isQuotable(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= 0x20 && scalar.value < 0x7F && scalar != "\"" && scalar != "\\" && scalar != "%"
  }

  private static func percentEncoded(_ name: String) -> String {
    var text = ""
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        text += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
      }
    }
    return text
  }
}

extension Unicode.Scalar.Properties {
  /// Controls, and the invisible marks that turn a name around (`generalCategory` Cc and Cf).
  fileprivate var isControl: Bool { generalCategory == .control || generalCategory == .format }
}
