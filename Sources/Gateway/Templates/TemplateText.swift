// What a template says once its gaps are filled.

import ChannelProtocol

enum TemplateText {
  /// The text of each of its contents that has one, with these values in the gaps; what is not given is the sample.
  static func texts(of record: TemplateRecord, with variables: [String: String]) -> [String] {
    let values = record.variables.merging(variables) { _, given in given }
    return record.types.sorted { $0.key < $1.key }.compactMap { _, content in
      (content["body"]?.stringValue ?? content["title"]?.stringValue).map { filled($0, with: values) }
    }
  }

  private static func filled(_ text: String, with values: [String: String]) -> String {
    text.replacing(/\{\{ *([A-Za-z0-9_]{1,16}) *\}\}/) { match in
      values[String(match.1)] ?? String(match.0)
    }
  }
}
