// What went wrong, as a document (RFC 9457): the one form of every error the API gives.

import ChannelProtocol
import HTTPTypes
import Hummingbird
import NIOCore

/// An answer that is an error. Thrown anywhere below a route; internal errors never reach the client as they are.
struct Problem: Error, Sendable {
  struct FieldError: Sendable, Hashable {
    /// The field's or parameter's name; a path for nested ones (`media[0]`).
    var field: String
    var message: String
  }

  var status: HTTPResponse.Status
  /// Stable, machine-readable.
  var code: String
  var detail: String
  var errors: [FieldError] = []
  var headers: HTTPFields = [:]
  /// Further members, such as the candidates of an ambiguous channel.
  var members: [String: JSONValue] = [:]

  init(
    _ status: HTTPResponse.Status, _ code: String, _ detail: String, errors: [FieldError] = [],
    headers: HTTPFields = [:], members: [String: JSONValue] = [:]
  ) {
    self.status = status
    self.code = code
    self.detail = detail
    self.errors = errors
    self.headers = headers
    self.members = members
  }

  /// The document as JSON.
  var json: [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.object { writer in
      writer.member("type", "about:blank")
      writer.member("title", status.reasonPhrase)
      writer.member("status", status.code)
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
      for (name, value) in members.sorted(by: { $0.key < $1.key }) {
        writer.key(name)
        writer.value(value)
      }
    }
    return writer.bytes
  }

  var response: Response {
    var fields = headers
    fields[.contentType] = "application/problem+json"
    return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
  }

  // MARK: The common ones

  static func wrongMethod(_ allow: String) -> Problem {
    Problem(.methodNotAllowed, "method_not_allowed", "This path takes \(allow).", headers: [.allow: allow])
  }

  static func notFound(_ what: String) -> Problem { Problem(.notFound, "not_found", "There is no such \(what).") }

  static func invalid(_ errors: [FieldError]) -> Problem {
    Problem(
      .unprocessableContent, "invalid_request",
      errors.count == 1 ? "\(errors[0].field): \(errors[0].message)" : "\(errors.count) fields are wrong.",
      errors: errors)
  }

  static func invalid(_ field: String, _ message: String) -> Problem {
    invalid([FieldError(field: field, message: message)])
  }

  /// Nothing behind it on the connection can be read.
  static let brokenBody = Problem(
    .badRequest, "malformed_request", "The request's body is broken, or ends too early.",
    headers: [.connection: "close"])

  static let preconditionFailed = Problem(
    .preconditionFailed, "precondition_failed", "The resource is not, or no longer, the one that If-Match names.")

  static let unavailable = Problem(
    .serviceUnavailable, "unavailable", "The database does not answer at the moment; try again.",
    headers: [.retryAfter: "1"])

  static let `internal` = Problem(.internalServerError, "internal_error", "Something went wrong on our side.")
}
