// A body that may be left out.

import Hummingbird

extension BodyReader {
  /// - Returns: nil where the request has no body.
  /// - Throws: ``Problem``, as ``read(_:limit:)`` does.
  static func readIfAny(_ request: Request) async throws -> BodyReader? {
    var request = request
    return try await collectIfAny(&request)
  }

  /// The same, and leaves the body to be read again.
  static func collectIfAny(_ request: inout Request) async throws -> BodyReader? {
    let bytes = try await JSONBody.bytes(&request, limit: maximumBytes)
    if bytes.isEmpty { return nil }
    try JSONBody.checkType(request.headers)
    return try parse(bytes)
  }
}
