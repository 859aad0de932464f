// Content types of media by the ending of their URL, and a sample file.

/// Media types the sandbox knows by their file endings.
enum MediaType {
  static func guess(url: String) -> String {
    let path = url.prefix { $0 != "?" && $0 != "#" }
    let ending = path.split(separator: "/").last?.split(separator: ".").last?.lowercased() ?? ""
    return byEnding[ending] ?? "application/octet-stream"
  }

  /// A picture of one pixel for image types, a line of text for everything else.
  static func sample(_ contentType: String) -> [UInt8] {
    contentType.hasPrefix("image/") ? onePixel : Array("A sample file of the sandbox.\n".utf8)
  }

  private static let byEnding = [
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "mp4": "video/mp4", "3gp": "video/3gpp", "mp3": "audio/mpeg", "ogg": "audio/ogg", "amr": "audio/amr",
    "pdf": "application/pdf", "vcf": "text/vcard", "csv": "text/csv", "txt": "text/plain",
  ]

  /// A PNG file: 1×1, grey.
  private static let onePixel: [UInt8] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x7e, 0x9b, 0x55, 0x00, 0x00, 0x00, 0x0a, 0x49,
    0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x68, 0x00, 0x00, 0x00, 0x82, 0x00, 0x81, 0xda, 0x45, 0x08, 0x3b, 0x00, 0x00,
    0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
  ]
}
