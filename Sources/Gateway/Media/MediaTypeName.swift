// A file's content type, as far as it can be believed.

/// A media type as it may go into a header: `type/subtype`, in lower case, with what parameters it came with.
struct MediaTypeName: Sendable, Hashable {
  /// Without parameters.
  let essence: String
  private let parameters: Substring

  static let unknown = MediaTypeName("application/octet-stream")

  var text: String { essence + parameters }

  /// What is no `type/subtype` is of an unknown type: it must not reach a header, nor be guessed at.
  init(_ text: String?) {
    let given = text ?? ""
    let name = given.prefix { $0 != ";" }
    let rest = given.dropFirst(name.count)
    let trimmed = name.trimming().lowercased()
    let parts = trimmed.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isTokenByte) }) else {
      essence = "application/octet-stream"
      parameters = ""
      return
    }
    essence = trimmed
    let isPlain = rest.utf8.count <= 200 && rest.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    parameters = isPlain && rest.utf8.count > 1 ? rest : ""
  }

  /// Whether a browser may show it in its place: pictures, sound and film, and nothing that can hold a script.
  var isShownInline: Bool {
    let isMarkup = essence.contains("xml") || essence.contains("html")
    return !isMarkup && ["image/", "audio/", "video/"].contains { essence.hasPrefix($0) }
  }

  /// The ending of a file of this type; nil where none is usual.
  var fileEnding: String? {
    switch essence {
    case "image/jpeg", "image/jpg": "jpg"
    case "image/png": "png"
    case "image/gif": "gif"
    case "image/webp": "webp"
    case "video/mp4": "mp4"
    case "video/3gpp": "3gp"
    case "audio/ogg": "ogg"
    case "audio/mpeg": "mp3"
    case "audio/amr": "amr"
    case "audio/mp4", "audio/aac": "m4a"
    case "application/pdf": "pdf"
    case "text/vcard", "text/x-vcard": "vcf"
    case "text/plain": "txt"
    case "text/csv": "csv"
    default: nil
    }
  }

  /// `tchar` of RFC 9110.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}

extension StringProtocol {
  /// Without blanks and tabs around it.
  fileprivate func trimming() -> String {
    var text = self[...]
    while text.first == " " || text.first == "\t" { text.removeFirst() }
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return String(text)
  }
}
