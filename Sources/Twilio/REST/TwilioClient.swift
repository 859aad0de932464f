// Twilio's REST API, as far as messages go.

public import ChannelProtocol
import HTTPTypes

/// Calls Twilio for one account. Every method makes the requests it says and repeats none: the caller decides.
public struct TwilioClient: Sendable {
  public let hosts: TwilioHosts
  let accountSID: String
  let credentials: CallingCredentials
  let transport: any HTTPTransport
  let deadline: Duration

  /// - Parameters:
  ///   - account: Its API key calls where it has one, else its tokens, in order: the next where one is void.
  ///   - deadline: How long one exchange may take.
  public init(
    account: Account, transport: any HTTPTransport, deadline: Duration = .seconds(15), hosts: TwilioHosts? = nil
  ) {
    self.hosts = hosts ?? TwilioHosts(baseURL: account.baseURL, edge: account.edge, region: account.region)
    self.transport = transport
    self.deadline = deadline
    accountSID = account.accountSID
    credentials = CallingCredentials(of: account)
  }

  /// `POST …/Messages.json`. Twilio knows no idempotency key: never repeat this without looking the message up.
  public func create(_ request: MessageRequest) async throws(TwilioFailure) -> TwilioMessage {
    try await message(.post, "\(accountURL)/Messages.json", form: request.fields)
  }

  public func message(sid: String) async throws(TwilioFailure) -> TwilioMessage {
    try await message(.get, try messageURL(sid) + ".json")
  }

  /// Empties the text that Twilio keeps.
  public func redact(sid: String) async throws(TwilioFailure) -> TwilioMessage {
    try await message(.post, try messageURL(sid) + ".json", form: [("Body", "")])
  }

  /// Cancels a scheduled message; 30409 when it went on already.
  public func cancel(sid: String) async throws(TwilioFailure) -> TwilioMessage {
    try await message(.post, try messageURL(sid) + ".json", form: [("Status", "canceled")])
  }

  /// Deletes a message and its media; 20009 while it is under way.
  public func delete(sid: String) async throws(TwilioFailure) {
    _ = try await call(.delete, try messageURL(sid) + ".json")
  }

  /// The messages a filter leaves, newest first, over at most `maximumPages` pages.
  /// - Parameter goesOn: asked after each page with what it held; false ends the listing.
  public func messages(
    _ filter: MessageFilter, maximumPages: Int = 20, while goesOn: ([TwilioMessage]) -> Bool = { _ in true }
  ) async throws(TwilioFailure) -> MessageListing {
    let query = String(decoding: FormEncoding.encode(filter.fields), as: UTF8.self)
    var listing = MessageListing(messages: [], isComplete: false)
    var url = "\(accountURL)/Messages.json?\(query)"
    for _ in 0..<maximumPages {
      let (json, _) = try await document(.get, url)
      let page = (json["messages"]?.arrayValue ?? []).compactMap { TwilioMessage($0) }
      listing.messages += page
      guard let next = json["next_page_uri"]?.stringValue else {
        listing.isComplete = true
        return listing
      }
      guard goesOn(page) else { return listing }
      // Followed byte for byte: the token in it means something to Twilio only.
      guard next.hasPrefix("/"), !next.hasPrefix("//")
      else { throw .unreadable(status: 200, message: "the next page is at no path") }
      url = hosts.baseURL(of: .api) + next
    }
    return listing
  }

  /// One page of what a filter leaves, newest first.
  /// - Parameter path: What ``MessagePage/next`` said; nil: the first page.
  public func messagePage(_ filter: MessageFilter, path: String? = nil) async throws(TwilioFailure) -> MessagePage {
    let query = String(decoding: FormEncoding.encode(filter.fields), as: UTF8.self)
    let (json, _) = try await document(
      .get, path.map { hosts.baseURL(of: .api) + $0 } ?? "\(accountURL)/Messages.json?\(query)")
    let messages = (json["messages"]?.arrayValue ?? []).compactMap { TwilioMessage($0) }
    let next = json["next_page_uri"]?.stringValue
    guard next.map({ $0.hasPrefix("/") && !$0.hasPrefix("//") }) ?? true
    else { throw .unreadable(status: 200, message: "the next page is at no path") }
    return MessagePage(messages: messages, next: next)
  }

  /// Where a webhook would say that a file is.
  func mediaURL(messageSID: String, mediaSID: String) -> String {
    "\(accountURL)/Messages/\(messageSID)/Media/\(mediaSID)"
  }

  /// The files of a message.
  public func mediaList(messageSID: String) async throws(TwilioFailure) -> [TwilioMedia] {
    let (json, _) = try await document(.get, try messageURL(messageSID) + "/Media.json")
    return (json["media_list"]?.arrayValue ?? []).compactMap { TwilioMedia($0) }
  }

  private var accountURL: String { "\(hosts.baseURL(of: .api))/2010-04-01/Accounts/\(accountSID)" }

  /// A SID comes from outside, and must not lead anywhere else.
  private func messageURL(_ sid: String) throws(TwilioFailure) -> String {
    guard !sid.isEmpty, sid.utf8.allSatisfy({ isAlphanumeric($0) })
    else { throw .api(TwilioAPIError(status: 404, code: 20404, message: "This is no SID.")) }
    return "\(accountURL)/Messages/\(sid)"
  }

  private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
}

/// A part of a listing, and the path of the next one.
public struct MessagePage: Sendable, Hashable {
  public var messages: [TwilioMessage]
  public var next: String?
}

/// What a listing found.
public struct MessageListing: Sendable, Hashable {
  public var messages: [TwilioMessage]
  /// False: there are further pages that were not asked for.
  public var isComplete: Bool
}

extension TwilioClient {
  private func message(
    _ method: HTTPRequest.Method, _ url: String, form: [(name: String, value: String)]? = nil
  ) async throws(TwilioFailure) -> TwilioMessage {
    let (json, raw) = try await document(method, url, form: form)
    guard let message = TwilioMessage(json, raw: raw)
    else { throw .unreadable(status: 200, message: "the answer is no message") }
    return message
  }

  private func document(
    _ method: HTTPRequest.Method, _ url: String, form: [(name: String, value: String)]? = nil
  ) async throws(TwilioFailure) -> (JSONValue, RawPayload) {
    let (response, body) = try await call(method, url, form: form)
    guard let json = JSONValue(parsing: body), json.objectValue != nil
    else { throw .unreadable(status: response.status.code, message: "the answer is no JSON object") }
    return (json, RawPayload(json: body))
  }

  /// One exchange; every status but 2xx is an error.
  private func call(
    _ method: HTTPRequest.Method, _ url: String, form: [(name: String, value: String)]? = nil
  ) async throws(TwilioFailure) -> (HTTPResponse, [UInt8]) {
    var headers: HTTPFields = [.accept: "application/json", .acceptCharset: "utf-8"]
    if form != nil { headers[.contentType] = "application/x-www-form-urlencoded" }
    let (response, body) = try await exchange(
      method, url, headers: headers, body: form.map { FormEncoding.encode($0) } ?? [], authorized: true)
    guard response.status.kind == .successful else { throw .api(TwilioAPIError(response, body: body)) }
    return (response, body)
  }

  /// - Parameter authorized: Whether our credentials go along. What is refused for one of them was not processed, and
  ///   is asked again with the next.
  func exchange(
    _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields, body: [UInt8], authorized: Bool
  ) async throws(TwilioFailure) -> (HTTPResponse, [UInt8]) {
    var request = try request(method, url, headers: headers)
    guard authorized else { return try await exchange(request, body) }
    var credential = credentials.current
    for _ in 1..<credentials.count {
      request.headerFields[.authorization] = credential.authorization
      let (response, answer) = try await exchange(request, body)
      guard response.status == .unauthorized else { return (response, answer) }
      credential = credentials.next(after: credential)
    }
    request.headerFields[.authorization] = credential.authorization
    return try await exchange(request, body)
  }

  func request(
    _ method: HTTPRequest.Method, _ url: String, headers: HTTPFields
  ) throws(TwilioFailure) -> HTTPRequest {
    guard let parts = SplitURL(url) else {
      throw .transport(TransportFailure(mayHaveArrived: false, message: "the base URL is no absolute URL"))
    }
    var headers = headers
    headers[.userAgent] = "Fractal/1 (messaging gateway)"
    return HTTPRequest(
      method: method, scheme: String(parts.scheme), authority: parts.authority,
      path: parts.target.hasPrefix("/") ? String(parts.target) : "/\(parts.target)", headerFields: headers)
  }

  private func exchange(_ request: HTTPRequest, _ body: [UInt8]) async throws(TwilioFailure) -> (HTTPResponse, [UInt8])
  {
    do {
      let (response, body) = try await transport.send(request, body: body, deadline: deadline)
      return (response, body)
    } catch {
      throw .transport(error)
    }
  }
}
