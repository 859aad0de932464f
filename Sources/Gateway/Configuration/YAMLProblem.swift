// The YAML parser's errors in our words and at their place.

import Yams

enum YAMLProblem {
  /// - Parameter text: the file; an error of the reader counts characters from its start.
  static func locate(_ error: any Error, in text: String) -> ConfigurationError.Located {
    guard let error = error as? YamlError else { return .init(position: nil, message: "this is no YAML") }
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      // What is open at the end of a short text ends in the padding behind it.
      let place = min(SourcePosition(mark), position(of: text.endIndex, in: text))
      let message = sentence(problem, context: context) + variableHint(line: place.line, of: text)
      return .init(position: place, message: message)
    case .reader(let problem, let offset, _, _):
      let index = offset.flatMap { text.index(text.startIndex, offsetBy: $0, limitedBy: text.endIndex) }
      return .init(position: index.map { position(of: $0, in: text) }, message: sentence(problem))
    case .duplicatedKeysInMapping(let duplicates, let context):
      // The context's text is the whole file: it is not for printing.
      let keys = duplicates.sorted().map { "`\($0)`" }.joined(separator: ", ")
      return .init(position: SourcePosition(context.mark), message: "key \(keys) is given twice in this mapping")
    default:
      return .init(position: nil, message: "this is no YAML")
    }
  }

  private static func sentence(_ problem: String, context: YamlError.Context? = nil) -> String {
    guard let context, !context.text.isEmpty else { return "not valid YAML: \(problem)" }
    return "not valid YAML: \(problem) \(context.text) that starts on line \(context.mark.line)"
  }

  /// The braces of a variable are YAML's own where a mapping or list in braces or brackets is open.
  private static func variableHint(line: Int, of text: String) -> String {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard lines.indices.contains(line - 1), lines[line - 1].contains("${") else { return "" }
    return "; a value with `${…}` inside { } or [ ] needs quotes"
  }

  private static func position(of index: String.Index, in text: String) -> SourcePosition {
    let before = text[..<index]
    let line = before.lazy.filter(\.isNewline).count + 1
    let lineStart = before.lastIndex(where: \.isNewline).map { before.index(after: $0) } ?? before.startIndex
    return SourcePosition(line: line, column: before[lineStart...].unicodeScalars.count + 1)
  }
}
