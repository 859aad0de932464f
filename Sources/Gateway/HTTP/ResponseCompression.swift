// Which answers are worth compressing, and their headers.

import HTTPTypes
import Hummingbird
import NIOCore

enum ResponseCompression {
  /// A smaller body fits into a packet as it is.
  static let minimum = 1_024

  /// The answer in a coding that the client takes, where it is text of ours and long enough.
  static func apply(_ response: Response, for request: Request) async throws -> Response {
    guard isText(response.headers[.contentType]), response.headers[.contentEncoding] == nil, !isOfParts(response)
    else { return response }
    var response = response
    // Whatever its size: a cache must not give one client's coding to another.
    response.headers.addVary("Accept-Encoding")
    guard request.method != .head, response.status != .notModified, (response.body.contentLength ?? 0) > minimum,
      let coding = ContentCoding.preferred(request.headers[.acceptEncoding])
    else { return response }
    var answer = try await WholeAnswer(response)
    guard let encoded = coding.encode(answer.body) else { return answer.response }
    answer.body = encoded
    answer.headers[.contentEncoding] = coding.rawValue
    if let tag = answer.headers[.eTag], tag.hasSuffix("\"") {
      answer.headers[.eTag] = "\(tag.dropLast())-\(coding.rawValue)\""
    }
    return answer.response
  }

  /// What is given in parts is given as it is: a part of it counts bytes of what it is a part of.
  private static func isOfParts(_ response: Response) -> Bool {
    response.status == .partialContent || response.headers[.acceptRanges] != nil
      || response.headers[.contentRange] != nil
  }

  private static func isText(_ type: String?) -> Bool {
    guard let type else { return false }
    return ["application/json", "application/problem+json", "text/"].contains { type.hasPrefix($0) }
  }
}
