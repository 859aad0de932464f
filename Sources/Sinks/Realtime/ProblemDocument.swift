// What a realtime client is told when something is refused: RFC 9457, as the REST API answers.

internal import ChannelProtocol

struct ProblemDocument: Error, Hashable {
  struct FieldError: Hashable, Sendable {
    var field: String
    var message: String
  }

  var status: Int
  /// Stable and machine-readable.
  var code: String
  var title: String
  var detail: String
  var errors: [FieldError] = []

  var json: [UInt8] {
    var writer = JSONWriter(capacity: 256)
    writer.object { writer in
      writer.member("type", "about:blank")
      writer.member("title", title)
      writer.member("status", status)
      writer.member("detail", detail)
      writer.member("code", code)
      writer.member("errors") { writer in
        writer.array { writer in
          for error in errors {
            writer.object { writer in
              writer.member("field", error.field)
              writer.member("message", error.message)
            }
          }
        }
      }
    }
    return writer.bytes
  }

  // MARK: Those we use

  static func badRequest(_ detail: String) -> Self {
    Self(status: 400, code: "bad_request", title: "Bad Request", detail: detail)
  }

  static let unauthorized = Self(
    status: 401, code: "unauthorized", title: "Unauthorized", detail: "The API key is missing, unknown or expired.")

  static func forbidden(scope: String) -> Self {
    Self(
      status: 403, code: "missing_scope", title: "Forbidden", detail: "The API key lacks the scope \"\(scope)\".")
  }

  static let foreignOrigin = Self(
    status: 403, code: "foreign_origin", title: "Forbidden", detail: "Pages of this origin are not let in.")

  static let methodNotAllowed = Self(
    status: 405, code: "method_not_allowed", title: "Method Not Allowed", detail: "This address answers to GET only.")

  static func conflict(_ code: String, _ detail: String) -> Self {
    Self(status: 409, code: code, title: "Conflict", detail: detail)
  }

  static func invalid(_ field: String, _ message: String) -> Self {
    Self(
      status: 422, code: "invalid_request", title: "Unprocessable Content", detail: "\(field): \(message)",
      errors: [FieldError(field: field, message: message)])
  }

  static let upgradeRequired = Self(
    status: 426, code: "upgrade_required", title: "Upgrade Required",
    detail: "This address speaks WebSocket (RFC 6455), version 13.")

  static let tooManySends = Self(
    status: 429, code: "too_many_in_flight", title: "Too Many Requests",
    detail: "Wait for the answers to earlier messages of this connection.")

  static func tooManyKeys(_ retryAfter: Int) -> Self {
    Self(
      status: 429, code: "rate_limited", title: "Too Many Requests",
      detail: "Too many keys that are none have come from there; try again in \(retryAfter) s.")
  }

  static func unavailable(_ detail: String) -> Self {
    Self(status: 503, code: "unavailable", title: "Service Unavailable", detail: detail)
  }
}
