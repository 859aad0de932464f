// Messages whose text went into a template while they waited.

import ChannelProtocol
import Postgres

extension Message {
  /// As it would be had it been taken so: the text is the template's, whose parts nobody counts.
  mutating func take(_ template: TemplateReference) {
    body = nil
    content = Content(.template(sid: template.sid, variables: template.variables))
    self.template = template
    segments = nil
  }
}

enum ReplacedTexts {
  private static let replace = Statement(
    "replace_texts",
    """
    UPDATE messages m SET body = NULL, content = u.content, template = u.template, segment_count = NULL,
      segment_encoding = NULL
    FROM unnest($1::uuid[], $2::text[], $3::text[]) AS u(id, content, template) WHERE m.id = u.id
    """)

  static func steps(_ messages: [Message]) -> [(Statement, Parameters)] {
    guard !messages.isEmpty else { return [] }
    var p = Parameters()
    p.identifierArray(messages.map(\.id))
    p.textArray(messages.map { $0.content.stored(body: nil) })
    p.textArray(messages.map { $0.template?.stored })
    return [(replace, p)]
  }
}
