// The description of the API, put together: OpenAPI 3.1.

import ChannelProtocol
import HTTPTypes
import Storage

enum OpenAPIDocument {
  /// The document as JSON.
  static func json(publicURL: String, operations: [APIOperation] = APIOperations.all) -> [UInt8] {
    var writer = JSONWriter(capacity: 1 << 17)
    document(publicURL: publicURL, operations: operations).write(to: &writer)
    return writer.bytes
  }

  private static func document(publicURL: String, operations: [APIOperation]) -> DocumentNode {
    .object([
      ("openapi", .text("3.1.0")),
      (
        "info",
        .object([
          ("title", .text("Fractal")), ("version", .text("1")), ("summary", .text("A messaging gateway on Twilio.")),
          ("description", .text(introduction)),
        ])
      ),
      ("servers", .list([.object([("url", .text(publicURL))])])),
      ("tags", .list(APIOperation.Tag.allCases.map { .object([("name", .text($0.rawValue))]) })),
      ("security", .list([.object([("key", .list([]))]), .object([("keyHeader", .list([]))])])),
      ("paths", paths(operations)),
      (
        "components",
        .object([
          ("schemas", .object(APISchemas.all.map { ($0.name, named($0.schema)) })),
          ("responses", .object(OpenAPIProblems.shared.map { ($0.name, $0.node) })),
          ("headers", .object(OpenAPIProblems.headers)),
          (
            "securitySchemes",
            .object([
              ("key", .object([("type", .text("http")), ("scheme", .text("bearer"))])),
              (
                "keyHeader",
                .object([("type", .text("apiKey")), ("in", .text("header")), ("name", .text("X-API-Key"))])
              ),
            ])
          ),
        ])
      ),
    ])
  }

  private static let introduction = """
    JSON in camelCase; times are RFC 3339 in UTC; what is not set is null. Errors are problem documents (RFC 9457): \
    decide by `code`. Lists are paged: pass `nextCursor` on as `cursor`. Every POST takes an `Idempotency-Key`: the same \
    key with the same body gives the first answer again for 24 hours. Single resources carry an `ETag`.
    """

  private static func named(_ schema: Schema) -> DocumentNode {
    guard case .members(let members) = schema.node else { return schema.node }
    return .members(members + [.init(name: "examples", value: .list([schema.example]))])
  }

  private static func paths(_ operations: [APIOperation]) -> DocumentNode {
    var templates: [String] = []
    for operation in operations where !templates.contains(operation.template) { templates.append(operation.template) }
    return .object(
      templates.map { template in
        let here = operations.filter { $0.template == template }
        return (template, .object(here.map { ($0.method.rawValue.lowercased(), describe($0)) }))
      })
  }

  private static func describe(_ operation: APIOperation) -> DocumentNode {
    .object([
      ("operationId", .text(operation.name)), ("tags", .texts([operation.tag.rawValue])),
      ("summary", .text(operation.summary)), ("description", .text(detail(of: operation))),
      ("security", operation.scope == nil ? .list([]) : nil),
      ("parameters", parameters(of: operation)),
      ("requestBody", operation.body.map(body)),
      ("responses", .object(responses(of: operation))),
    ])
  }

  private static func detail(of operation: APIOperation) -> String {
    let needs = operation.scope.map { "Needs the scope `\($0.rawValue)`." } ?? "Needs no key."
    return [operation.detail, needs].compactMap { $0 }.joined(separator: " ")
  }

  // MARK: What comes in

  private static func parameters(of operation: APIOperation) -> DocumentNode? {
    var parameters = operation.parameters
    if operation.method == .post, operation.scope != nil {
      parameters.append(
        .init(
          name: "Idempotency-Key", place: .header, description: "Makes it safe to send the request again.",
          schema: .text("order-7", length: 1...255, pattern: "^[ -~]+$")))
    }
    if operation.isSingleResource {
      parameters.append(
        .init(
          name: "If-None-Match", place: .header, description: "The `ETag` you have.", schema: .text("\"abc\"")))
    }
    if operation.problems.contains(412) {
      parameters.append(
        .init(
          name: "If-Match", place: .header, description: "Only if the resource still has this `ETag`.",
          schema: .text("\"abc\"")))
    }
    return parameters.isEmpty ? nil : .list(parameters.map(describe))
  }

  private static func describe(_ parameter: APIOperation.Parameter) -> DocumentNode {
    .object([
      ("name", .text(parameter.name)), ("in", .text(parameter.place.rawValue)),
      ("description", .text(parameter.description)), ("required", parameter.place == .path ? .flag(true) : nil),
      ("schema", parameter.schema.node),
      ("example", parameter.place == .header ? nil : parameter.schema.example),
    ])
  }

  private static func body(_ body: APIOperation.Body) -> DocumentNode {
    .object([
      ("required", .flag(body.isRequired)),
      (
        "content",
        .object(
          body.types.map { type in
            type == "application/octet-stream"
              ? (type, binary)
              : (type, .object([("schema", body.schema.node), ("example", body.schema.example)]))
          })
      ),
    ])
  }

  /// Bytes that are no JSON.
  private static let binary = DocumentNode.object([("schema", Schema.text("", format: "binary").node)])

  // MARK: What goes out

  private static func responses(of operation: APIOperation) -> [(String, DocumentNode)] {
    var responses = operation.answers.map { ("\($0.status)", describe($0, of: operation)) }
    if operation.isSingleResource, !operation.answers.contains(where: { $0.status == 304 }) {
      responses.append(("304", .object([("description", .text("You have it."))])))
    }
    let described = Set(operation.answers.map(\.status))
    let problems = OpenAPIProblems.statuses(of: operation).filter { !described.contains($0) }
    return responses + problems.map { ("\($0)", OpenAPIProblems.reference($0)) }
  }

  private static func describe(_ answer: APIOperation.Answer, of operation: APIOperation) -> DocumentNode {
    var headers: [(String, DocumentNode)] = [("X-Request-Id", OpenAPIProblems.header("X-Request-Id"))]
    if operation.scope != nil {
      headers += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"].map { ($0, OpenAPIProblems.header($0)) }
    }
    if operation.isSingleResource { headers.append(("ETag", OpenAPIProblems.header("ETag"))) }
    if answer.hasLocation { headers.append(("Location", OpenAPIProblems.header("Location"))) }
    if operation.method == .post, operation.scope != nil {
      headers.append(("Idempotency-Replayed", OpenAPIProblems.header("Idempotency-Replayed")))
    }
    let content: DocumentNode? =
      if let schema = answer.schema {
        .object([(answer.type, .object([("schema", schema.node), ("example", schema.example)]))])
      } else if answer.type == "*/*" {
        // Any type at all; generated clients look for one that they know to be bytes.
        .object([("application/octet-stream", binary), ("*/*", binary)])
      } else if answer.type != "application/json" {
        .object([(answer.type, .object([]))])
      } else { nil }
    return .object([
      ("description", .text(answer.description)), ("headers", .object(headers)), ("content", content),
      ("links", OpenAPILinks.node(after: operation, answer)),
    ])
  }
}
