// Lets a file with a key given twice be read to its end, so that this is one error among the others.

import Yams

/// Yams refuses a mapping with a repeated key, at the first one, and shows no tree. So the key that it names is
/// replaced by a placeholder of the same length, and the text is parsed again; positions stay as they are.
enum RepeatedKeys {
  /// Past this many the file is broken in another way, and the parser's own error is told.
  private static let maximumRounds = 64
  /// Placeholders are made of one private-use character each, one after another from here.
  private static let firstPlaceholder: UInt32 = 0xE000

  /// - Returns: the tree (nil: an empty document), and the names that its placeholders stand for.
  /// - Throws: `YamlError`.
  static func compose(_ text: String) throws -> (root: Node?, renamed: [String: String]) {
    var scalars = Array(text.unicodeScalars)
    var renamed: [String: String] = [:]
    while true {
      do {
        return (try parse(scalars), renamed)
      } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
        let refusal = YamlError.duplicatedKeysInMapping(duplicates: duplicates, context: context)
        guard renamed.count < maximumRounds, let name = duplicates.first,
          let placeholder = Unicode.Scalar(firstPlaceholder + UInt32(renamed.count)),
          !scalars.contains(placeholder),
          let start = index(of: SourcePosition(context.mark), in: scalars)
        else { throw refusal }
        let key = Array(name.unicodeScalars)
        // Behind a quote, if there is one; a key written with escapes or an anchor is not found and told as it is.
        let isQuoted = start < scalars.count && (scalars[start] == "\"" || scalars[start] == "'")
        let range = (isQuoted ? start + 1 : start)..<(isQuoted ? start + 1 : start) + key.count
        guard !key.isEmpty, range.upperBound <= scalars.count, scalars[range].elementsEqual(key) else { throw refusal }
        let replacement = Array(repeating: placeholder, count: key.count)
        scalars.replaceSubrange(range, with: replacement)
        var placeholderName = String.UnicodeScalarView()
        placeholderName.append(contentsOf: replacement)
        renamed[String(placeholderName)] = name
      }
    }
  }

  private static func parse(_ scalars: [Unicode.Scalar]) throws -> Node? {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    // The parser keeps a pointer into the string, which a string short enough to live inside its own header does not
    // have: the line break makes it longer.
    if view.count < 16 { view.append(contentsOf: String(repeating: "\n", count: 16).unicodeScalars) }
    return try Parser(yaml: String(view), encoding: .utf8).singleRoot()
  }

  /// Where the line and column are, with YAML's own line breaks (YAML 1.1, section 5.4, as libyaml has them).
  private static func index(of position: SourcePosition, in scalars: [Unicode.Scalar]) -> Int? {
    var line = 1
    var index = 0
    while line < position.line {
      guard index < scalars.count else { return nil }
      let scalar = scalars[index]
      index += 1
      if scalar == "\r", index < scalars.count, scalars[index] == "\n" { index += 1 }
      if ["\r", "\n", "\u{85}", "\u{2028}", "\u{2029}"].contains(scalar) { line += 1 }
    }
    index += position.column - 1
    return index < scalars.count ? index : nil
  }
}
