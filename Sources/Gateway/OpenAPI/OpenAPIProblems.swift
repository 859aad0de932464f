// The errors of the table, and the headers of answers, described once.

import HTTPTypes

enum OpenAPIProblems {
  private static let words: [(status: Int, name: String, description: String)] = [
    (400, "Malformed", "The body is not well-formed, or the request is none."),
    (401, "Unauthorized", "No key, or one that is none."),
    (403, "Forbidden", "The key lacks the scope."),
    (404, "NotFound", "There is no such thing."),
    (405, "MethodNotAllowed", "The path does not take this method; `Allow` names those it does."),
    (409, "Conflict", "The state of things does not allow it, or the first request with this key is under way."),
    (410, "Gone", "It is no longer kept."),
    (412, "PreconditionFailed", "The resource has changed since."),
    (413, "TooLarge", "The body is too large."),
    (415, "UnsupportedMediaType", "The body's type is another, or missing."),
    (416, "RangeNotSatisfiable", "The file is shorter."),
    (422, "Invalid", "Well-formed, but wrong; `errors` says where."),
    (429, "TooManyRequests", "Over the limit; `Retry-After` says for how long."),
    (500, "InternalError", "Something went wrong on our side."),
    (502, "ProviderFailed", "The provider did not do its part."),
    (503, "Unavailable", "Try again soon."),
  ]

  static var shared: [(name: String, node: DocumentNode)] {
    words.map { ($0.name, describe($0.status, $0.description)) }
  }

  /// What an operation may answer besides what it is for.
  static func statuses(of operation: APIOperation) -> [Int] {
    var statuses = Set(operation.problems)
    guard operation.scope != nil else { return statuses.sorted() }
    statuses.formUnion([401, 403, 422, 429, 500, 503])
    if operation.method == .post { statuses.formUnion([409]) }
    // Also where no body is wanted: one that is given is read, and refused.
    if operation.method != .get { statuses.formUnion([400, 413, 415]) }
    return statuses.sorted()
  }

  static func reference(_ status: Int) -> DocumentNode {
    let name = words.first { $0.status == status }?.name ?? "InternalError"
    return .object([("$ref", .text("#/components/responses/\(name)"))])
  }

  private static func describe(_ status: Int, _ description: String) -> DocumentNode {
    var names = ["X-Request-Id"]
    switch status {
    case 401: names.append("WWW-Authenticate")
    case 405: names.append("Allow")
    case 429, 503: names.append("Retry-After")
    default: break
    }
    let phrase = HTTPResponse.Status(code: status).reasonPhrase
    return .object([
      ("description", .text(description)), ("headers", .object(names.map { ($0, header($0)) })),
      (
        "content",
        .object([
          (
            "application/problem+json",
            .object([
              ("schema", APISchemas.problem.reference.node),
              (
                "example",
                status == 422
                  ? APISchemas.problem.schema.example
                  : .object([
                    ("type", .text("about:blank")), ("title", .text(phrase)), ("status", .whole(status)),
                    ("detail", .text(description)), ("code", .text(code(status))), ("errors", .list([])),
                  ])
              ),
            ])
          )
        ])
      ),
    ])
  }

  private static func code(_ status: Int) -> String {
    switch status {
    case 400: "malformed_json"
    case 401: "unauthorized"
    case 403: "missing_scope"
    case 404: "not_found"
    case 405: "method_not_allowed"
    case 409: "request_in_flight"
    case 410: "events_gone"
    case 412: "precondition_failed"
    case 413: "too_large"
    case 415: "unsupported_media_type"
    case 416: "range_not_satisfiable"
    case 429: "rate_limited"
    case 502: "provider_failed"
    case 503: "unavailable"
    default: "internal_error"
    }
  }

  // MARK: Headers

  static let headers: [(String, DocumentNode)] = [
    ("X-Request-Id", "The request's id, in our logs too.", "string"),
    ("RateLimit-Limit", "The most requests that may come at once.", "integer"),
    ("RateLimit-Remaining", "How many more may come now.", "integer"),
    ("RateLimit-Reset", "Seconds until the most may come again.", "integer"),
    ("Retry-After", "Seconds until it may succeed.", "integer"),
    ("ETag", "The tag of this representation.", "string"),
    ("Location", "Where the resource is.", "string"),
    ("Idempotency-Replayed", "`true`: this is the first answer to the same request.", "string"),
    ("WWW-Authenticate", "How to show a key.", "string"),
    ("Allow", "The methods that the path takes.", "string"),
  ].map { name, description, type in
    (
      name,
      .object([("description", .text(description)), ("schema", .object([("type", .text(type))]))])
    )
  }

  static func header(_ name: String) -> DocumentNode {
    .object([("$ref", .text("#/components/headers/\(name)"))])
  }
}
