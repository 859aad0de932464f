// How a call to Twilio's REST API may fail.

public import ChannelProtocol
import HTTPTypes

public enum TwilioFailure: Error, Sendable, Hashable {
  /// No answer.
  case transport(TransportFailure)
  /// Twilio, or a proxy in its name, said no.
  case api(TwilioAPIError)
  /// An answer of success that cannot be read; the words name the fault, never the contents.
  case unreadable(status: Int, message: String)
}

/// An answer that is no success, of whichever of Twilio's shapes.
public struct TwilioAPIError: Error, Sendable, Hashable {
  /// HTTP
  public var status: Int
  /// Twilio's number; nil from older resources and from proxies.
  public var code: Int?
  /// Twilio's words; they change, and may hold addresses.
  public var message: String?
  public var moreInfo: String?
  public var retryAfter: Duration?
  /// `RQ…`: what Twilio's support asks for.
  public var requestID: String?

  public init(
    status: Int, code: Int? = nil, message: String? = nil, moreInfo: String? = nil, retryAfter: Duration? = nil,
    requestID: String? = nil
  ) {
    self.status = status
    self.code = code
    self.message = message
    self.moreInfo = moreInfo
    self.retryAfter = retryAfter
    self.requestID = requestID
  }

  /// Reads Twilio's JSON (`code, message, more_info`), a problem document (RFC 9457), HTML, or nothing at all.
  init(_ response: HTTPResponse, body: [UInt8]) {
    self.init(
      status: response.status.code,
      retryAfter: response.headerFields[.retryAfter].flatMap { Int($0) }.flatMap {
        $0 >= 0 ? .seconds(min($0, 3_600)) : nil
      },
      requestID: response.headerFields[.twilioRequestID])
    guard let json = JSONValue(parsing: body), json.objectValue != nil else { return }
    code = json["code"]?.integerValue.flatMap { Int(exactly: $0) } ?? json["code"]?.stringValue.flatMap { Int($0) }
    message = json["message"]?.stringValue ?? json["detail"]?.stringValue ?? json["title"]?.stringValue
    moreInfo = json["more_info"]?.stringValue ?? json["type"]?.stringValue
  }
}
