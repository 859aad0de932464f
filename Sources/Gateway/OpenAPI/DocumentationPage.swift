// `/docs`: the description as a page. It is made here, whole: no script, no other host.

import ChannelProtocol
import HTTPTypes
import Storage

/// HTML, written by hand from the same values as `/openapi.json`.
struct DocumentationPage {
  private var html = ""

  static func html(publicURL: String, operations: [APIOperation] = APIOperations.all) -> String {
    var page = DocumentationPage()
    page.write(publicURL: publicURL, operations: operations)
    return page.html
  }

  private mutating func write(publicURL: String, operations: [APIOperation]) {
    html += """
      <!doctype html><html lang="en"><meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1"><title>Fractal API</title>
      <style>\(Self.style)</style>
      <nav><h1>Fractal</h1><a href="#start">Start</a>
      """
    for tag in APIOperation.Tag.allCases {
      html += "<h2>\(Self.text(tag.rawValue))</h2>"
      for operation in operations where operation.tag == tag {
        html += "<a href=\"#\(operation.name)\">\(Self.text(operation.summary))</a>"
      }
    }
    html += "<h2>Schemas</h2>"
    for schema in APISchemas.all { html += "<a href=\"#schema-\(schema.name)\">\(schema.name)</a>" }
    html += "</nav><main>"
    writeStart(publicURL)
    for tag in APIOperation.Tag.allCases {
      html += "<h2>\(Self.text(tag.rawValue))</h2>"
      for operation in operations where operation.tag == tag { write(operation, publicURL) }
    }
    html += "<h2>Schemas</h2>"
    for schema in APISchemas.all {
      html += "<section id=\"schema-\(schema.name)\"><h3>\(schema.name)</h3>"
      write(schema.schema.node)
      writeExample(schema.schema.example)
      html += "</section>"
    }
    html += "</main></html>"
  }

  private mutating func writeStart(_ publicURL: String) {
    html += """
      <section id="start"><h2>Start</h2>
      <p>The API is at <code>\(Self.text(publicURL))</code>; show your key as <code>Authorization: Bearer KEY</code> or
      <code>X-API-Key: KEY</code>. JSON in camelCase, times in RFC 3339 and UTC; what is not set is <code>null</code>.</p>
      <p>Errors are problem documents (RFC 9457); decide by <code>code</code>. Lists are paged: pass
      <code>nextCursor</code> on as <code>cursor</code>. Every POST takes an <code>Idempotency-Key</code>: the same key
      with the same body gives the first answer again for 24 hours. Single resources carry an <code>ETag</code>, for
      <code>If-None-Match</code> and, on changes, <code>If-Match</code>.</p>
      <p>The same for machines, as OpenAPI 3.1: <a href="openapi.json">openapi.json</a>.</p></section>
      """
  }

  private mutating func write(_ operation: APIOperation, _ publicURL: String) {
    let method = operation.method.rawValue
    html += "<section id=\"\(operation.name)\"><h3>\(Self.text(operation.summary))</h3>"
    html += "<p class=\"line\"><b class=\"\(method.lowercased())\">\(method)</b> "
    html += "<code>\(Self.text(operation.template))</code>"
    html += operation.scope.map { " <span>scope <code>\($0.rawValue)</code></span>" } ?? " <span>no key</span>"
    html += "</p>"
    if let detail = operation.detail { html += "<p>\(Self.prose(detail))</p>" }
    if !operation.parameters.isEmpty {
      html += "<table>"
      for parameter in operation.parameters {
        html += "<tr><td><code>\(Self.text(parameter.name))</code><td>\(parameter.place.rawValue), "
        html += "\(Self.type(parameter.schema.node))<td>\(Self.prose(parameter.description))</tr>"
      }
      html += "</table>"
    }
    if let body = operation.body, body.types.contains("application/json") {
      html += "<details><summary>Body: \(Self.type(body.schema.node))</summary>"
      write(body.schema.node)
      writeExample(body.schema.example)
      html += "</details>"
    }
    for answer in operation.answers {
      html += "<details><summary>\(answer.status) \(Self.prose(answer.description))</summary>"
      if let schema = answer.schema {
        write(schema.node)
        writeExample(schema.example)
      } else {
        html += "<p>No JSON.</p>"
      }
      html += "</details>"
    }
    let problems = OpenAPIProblems.statuses(of: operation).map(String.init).joined(separator: ", ")
    if !problems.isEmpty { html += "<p class=\"problems\">Problems: \(problems)</p>" }
    html += "</section>"
  }

  // MARK: Schemas

  /// A table of an object's members; nothing for anything else.
  private mutating func write(_ node: DocumentNode) {
    guard case .members(let members)? = node["properties"], !members.isEmpty else { return }
    var required: [DocumentNode] = []
    if case .list(let names)? = node["required"] { required = names }
    html += "<table>"
    for member in members {
      html += "<tr><td><code>\(Self.text(member.name))</code>"
      if !required.contains(.text(member.name)) { html += "<i>?</i>" }
      html += "<td>\(Self.type(member.value))<td>"
      if case .text(let words)? = member.value["description"] { html += Self.prose(words) }
      html += "</tr>"
    }
    html += "</table>"
  }

  private mutating func writeExample(_ example: DocumentNode) {
    html += "<pre>\(Self.text(example.indented()))</pre>"
  }

  /// A type in a few words, with links to what has a name.
  private static func type(_ node: DocumentNode) -> String {
    if case .text(let reference)? = node["$ref"] {
      let name = reference.split(separator: "/").last.map(String.init) ?? ""
      return "<a href=\"#schema-\(name)\">\(name)</a>"
    }
    if case .list(let choices)? = node["anyOf"] { return choices.map(type).joined(separator: " or ") }
    if case .list(let words)? = node["enum"] {
      return words.map { if case .text(let word) = $0 { "<code>\(text(word))</code>" } else { "null" } }
        .joined(separator: " ")
    }
    var names: [String] = []
    switch node["type"] {
    case .text(let name): names = [name]
    case .list(let list): names = list.compactMap { if case .text(let name) = $0 { name } else { nil } }
    default: return "any"
    }
    if let items = node["items"] { names = names.map { $0 == "array" ? "array of \(type(items))" : $0 } }
    if case .text(let format)? = node["format"] { names = names.map { $0 == "string" ? text(format) : $0 } }
    return names.joined(separator: " or ")
  }

  // MARK: Text

  private static func text(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  /// Words with `code` in them.
  private static func prose(_ words: String) -> String {
    text(words).split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .map { $0.offset % 2 == 1 ? "<code>\($0.element)</code>" : String($0.element) }.joined()
  }

  private static let style = """
    :root{color-scheme:light dark;--line:light-dark(#ddd,#333);--soft:light-dark(#f6f6f4,#1c1c1e)}
    body{margin:0;display:grid;grid-template-columns:16rem minmax(0,52rem);gap:2rem;font:15px/1.5 system-ui,sans-serif}
    nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;background:var(--soft);box-sizing:border-box}
    nav h2{font-size:.8rem;margin:1rem 0 .2rem}nav a{display:block;font-size:.85rem;text-decoration:none;color:inherit}
    main{padding:1rem 1rem 6rem}section{border-top:1px solid var(--line);padding:.5rem 0 1rem}h3{margin:.5rem 0}
    code,pre{font:13px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.8rem;overflow:auto;border-radius:6px}
    table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.25rem .6rem .25rem 0;
    vertical-align:top}summary{cursor:pointer;padding:.2rem 0}.line b{padding:.1rem .4rem;border-radius:4px;
    background:var(--soft)}.get{color:#0a7}.post{color:#06c}.put,.patch{color:#b60}.delete{color:#c22}
    .line span,.problems,i{opacity:.7}@media(max-width:50rem){body{display:block}nav{position:static;height:auto}}
    """
}

extension DocumentNode {
  /// A member of an object.
  subscript(name: String) -> DocumentNode? {
    guard case .members(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// JSON with line breaks, for people.
  fileprivate func indented(_ depth: Int = 0) -> String {
    let inner = String(repeating: "  ", count: depth + 1)
    let outer = String(repeating: "  ", count: depth)
    switch self {
    case .members(let members) where !members.isEmpty:
      let lines = members.map { "\(inner)\(DocumentNode.text($0.name).indented()): \($0.value.indented(depth + 1))" }
      return "{\n\(lines.joined(separator: ",\n"))\n\(outer)}"
    case .list(let elements) where !elements.isEmpty:
      return "[\n\(elements.map { inner + $0.indented(depth + 1) }.joined(separator: ",\n"))\n\(outer)]"
    default:
      var writer = JSONWriter()
      write(to: &writer)
      return writer.string
    }
  }
}
