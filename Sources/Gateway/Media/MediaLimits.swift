// Which of the files that contacts send are kept: a table, without I/O.

import ChannelProtocol

/// `media.maxSize` and `media.types` of the configuration.
struct MediaLimits: Sendable, Hashable {
  var maximumSize = MediaShelf.maximumSize
  /// `image/png` or `image/*`, in lower case; nil: every type.
  var types: [String]?

  /// Why a file is not kept; nil: it is.
  func refusal(size: Int, type: String) -> MediaFailure? {
    if size > maximumSize {
      return MediaFailure(
        .permanent, code: "too_large",
        message: "The file has \(size) bytes; media.maxSize lets \(maximumSize) through at most.")
    }
    let essence = MediaTypeName(type).essence
    guard let types, !types.contains(where: { Self.pattern($0, takes: essence) }) else { return nil }
    return MediaFailure(
      .permanent, code: "type_refused", message: "The file is of type \(essence), which media.types does not name.")
  }

  private static func pattern(_ pattern: String, takes essence: String) -> Bool {
    pattern.hasSuffix("/*") ? essence.hasPrefix(pattern.dropLast()) : essence == pattern
  }

  /// A type or a family of types as it may be configured, in lower case; nil: it is none.
  static func pattern(_ text: String) -> String? {
    let pattern = text.lowercased()
    let isFamily = pattern.hasSuffix("/*")
    let name = isFamily ? pattern.dropLast() + "x" : pattern
    guard !name.contains("*"), !name.contains(";"), MediaTypeName(name).text == name else { return nil }
    return pattern
  }
}
