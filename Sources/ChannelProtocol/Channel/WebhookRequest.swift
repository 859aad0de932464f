// A provider's request as it came, and why one may be refused.

public import HTTPTypes

/// One request from a provider, untouched: the raw target and the raw body are what signatures are made over.
public final class WebhookRequest {
  public let method: HTTPRequest.Method
  /// The request target as it stood in the request line: path and query, nothing decoded.
  public let target: String
  public let headers: HTTPFields
  public let body: [UInt8]
  public let receivedAt: Timestamp
  /// It was verified when it came, and has been kept by the gateway since: its signature need not be good by today's tokens
  /// and URL.
  public let isVerified: Bool
  private var parsed: [ObjectIdentifier: Any] = [:]

  public init(
    method: HTTPRequest.Method, target: String, headers: HTTPFields, body: [UInt8], receivedAt: Timestamp,
    isVerified: Bool = false
  ) {
    self.isVerified = isVerified
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.receivedAt = receivedAt
  }

  /// What `parse` made of this request, made once: several adapters look at one request.
  public func parsed<Form>(as type: Form.Type, _ parse: (WebhookRequest) -> Form) -> Form {
    if let form = parsed[ObjectIdentifier(type)] as? Form { return form }
    let form = parse(self)
    parsed[ObjectIdentifier(type)] = form
    return form
  }

  /// The path of the target, without its query.
  public var path: Substring { target[..<(questionMark ?? target.endIndex)] }

  /// The query of the target as it stands there, without its question mark; nil where there is none.
  public var query: Substring? { questionMark.map { target[target.index(after: $0)...] } }

  private var questionMark: String.Index? { target.utf8.firstIndex(of: UInt8(ascii: "?")) }
}

/// Why a provider's request is not taken.
public enum WebhookRejection: Error, Sendable, Hashable {
  /// 403: nobody here has this account.
  case unknownAccount
  /// 403: the signature is missing or wrong.
  case badSignature
  /// 400: the body is not what its content type says. The words name the fault, never the contents.
  case malformed(String)
  /// 415
  case unsupportedMediaType
  /// 422: a signed request that is no message and no status.
  case notAMessage(String)
}
