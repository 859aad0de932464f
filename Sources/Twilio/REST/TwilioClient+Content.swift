// The account's templates: Twilio's Content API.

import ChannelProtocol
import HTTPTypes

extension TwilioClient {
  /// `GET /v1/ContentAndApprovals`, all pages. A list that is not read to its end is an error: whoever compares it
  /// with an older one would take the rest for deleted.
  ///
  /// - Parameters:
  ///   - pageSize: 1 to 1000.
  ///   - maximumPages: Twilio allows 6,000 translations to a WhatsApp account, and any number of others.
  public func contentTemplates(
    pageSize: Int = 100, maximumPages: Int = 200
  ) async throws(TwilioFailure) -> [ContentTemplate] {
    var templates: [ContentTemplate] = []
    var url = "\(hosts.baseURL(of: .content))/v1/ContentAndApprovals?PageSize=\(pageSize)"
    for _ in 0..<maximumPages {
      let page = try await contentPage(url)
      templates += (page["contents"]?.arrayValue ?? []).compactMap { ContentTemplate($0) }
      guard let next = page["meta"]?["next_page_url"]?.stringValue, !next.isEmpty else { return templates }
      guard let followed = hosts.contentURL(next)
      else { throw .unreadable(status: 200, message: "the next page of templates is on no host of Twilio's") }
      url = followed
    }
    throw .unreadable(status: 200, message: "there are more than \(maximumPages) pages of templates")
  }

  /// `POST /v1/Content`. Made again it makes another template alike, which does no harm.
  /// - Returns: `HX…`
  func createContent(_ content: DepositedContent) async throws(TwilioFailure) -> String {
    let (response, body) = try await exchange(
      .post, "\(hosts.baseURL(of: .content))/v1/Content",
      headers: [.accept: "application/json", .acceptCharset: "utf-8", .contentType: "application/json"],
      body: content.json, authorized: true)
    guard response.status.kind == .successful else { throw .api(TwilioAPIError(response, body: body)) }
    guard let sid = JSONValue(parsing: body)?["sid"]?.stringValue, sid.hasPrefix("HX")
    else { throw .unreadable(status: response.status.code, message: "the answer names no content") }
    return sid
  }

  private func contentPage(_ url: String) async throws(TwilioFailure) -> JSONValue {
    let (response, body) = try await exchange(
      .get, url, headers: [.accept: "application/json", .acceptCharset: "utf-8"], body: [], authorized: true)
    guard response.status.kind == .successful else { throw .api(TwilioAPIError(response, body: body)) }
    guard let json = JSONValue(parsing: body), json["contents"]?.arrayValue != nil
    else { throw .unreadable(status: response.status.code, message: "the answer is no page of templates") }
    return json
  }
}

extension TwilioHosts {
  /// Where a page of the Content API is fetched that an answer named by its absolute URL: its path, on the host that
  /// is configured and given our credentials. Nil where the URL is not the Content API's.
  func contentURL(_ url: String) -> String? {
    let base = baseURL(of: .content)
    if url.hasPrefix(base + "/v1/") { return url }
    guard let parts = SplitURL(url), parts.target.hasPrefix("/v1/"), parts.userInfo == nil,
      parts.scheme.lowercased() == "https", parts.port == nil || parts.port == "443"
    else { return nil }
    let host = parts.host.lowercased()
    guard host == "content.twilio.com" || (host.hasPrefix("content.") && host.hasSuffix(".twilio.com"))
    else { return nil }
    return base + parts.target
  }
}
