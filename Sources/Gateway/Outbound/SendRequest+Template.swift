// The body of `POST /api/messages/template`: a message that is a template and nothing else.

import ChannelProtocol
import Storage

extension SendRequest {
  /// What goes over as it is into a request to send.
  private static let shared = ["to", "channel", "variables", "scheduledAt", "validFor", "replyTo", "metadata"]

  /// Reads `{to, channel?, templateSid, variables, …}`; all that is wrong is named at once.
  static func template(_ reader: BodyReader) throws(Problem) -> SendRequest {
    var reader = reader
    var members: [String: JSONValue] = [:]
    for name in shared { members[name] = reader.value(name) }
    let sid = reader.required("templateSid", maximum: 64)
    members["contentSid"] = .string(sid)
    var request: SendRequest?
    var errors = Self.errors { () throws(Problem) in try reader.finish() }
    // What is wrong with the template has been said, by the name that it has here.
    errors += Self.errors { () throws(Problem) in request = try SendRequest(BodyReader(members)) }
      .filter { $0.field != "contentSid" }
    guard errors.isEmpty, let request else { throw .invalid(errors) }
    return request
  }

  private static func errors(of read: () throws(Problem) -> Void) -> [Problem.FieldError] {
    do throws(Problem) {
      try read()
      return []
    } catch {
      return error.errors
    }
  }
}
