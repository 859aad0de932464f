// /v1/Content…: create, list, fetch, delete, approvals.

/// The Content resource.
struct ContentRoutes: Sendable {
  let sandbox: Sandbox

  func create(_ call: ContentCall) async throws(TwilioError) -> APIAnswer {
    let template = try SandboxTemplate(call.json, account: call.account.sid, now: .now)
    guard sandbox.change({ $0.templates.append(template) }) else { throw .invalidParameter("Too many templates") }
    return .json(201, template.json(base: call.base))
  }

  func list(_ call: ContentCall) async throws(TwilioError) -> APIAnswer {
    page(call) { $0.json(base: call.base) }
  }

  func listWithApprovals(_ call: ContentCall) async throws(TwilioError) -> APIAnswer {
    page(call) { $0.jsonWithApproval }
  }

  func fetch(_ call: ContentCall) async throws(TwilioError) -> APIAnswer {
    .json(200, try template(call).json(base: call.base))
  }

  func delete(_ call: ContentCall) async throws(TwilioError) -> APIAnswer {
    guard sandbox.change({ $0.templates.remove(call.contentSID, account: call.account.sid) })
    else { throw .notFound(call.path) }
    return .empty(204)
  }

  func approval(_ call: ContentCall) async throws(TwilioError) -> APIAnswer {
    .json(200, try template(call).approvalJSON(base: call.base))
  }

  private func template(_ call: ContentCall) throws(TwilioError) -> SandboxTemplate {
    guard let template = sandbox.read({ $0.templates[call.contentSID, call.account.sid] })
    else { throw .notFound(call.path) }
    return template
  }

  /// The newer products' pages: `meta` with absolute URLs.
  private func page(_ call: ContentCall, _ item: (SandboxTemplate) -> JSONValue) -> APIAnswer {
    let paging = Paging(call.query)
    let page = sandbox.read { $0.templates.page(account: call.account.sid, size: paging.size, token: paging.token) }
    func url(page: Int, token: String?) -> JSONValue {
      var form = FormFields([.init(name: "PageSize", value: String(paging.size))])
      form.append("Page", String(page))
      form.append("PageToken", ifPresent: token)
      return .string("\(call.base)\(call.path)?\(form.encoded)")
    }
    let next = page.hasMore ? page.templates.last.map { url(page: paging.page + 1, token: "DN" + $0.sid) } : nil
    return .json(
      200,
      .object([
        "contents": .array(page.templates.map(item)),
        "meta": .object([
          "page": .integer(paging.page), "page_size": .integer(paging.size),
          "first_page_url": url(page: 0, token: nil), "previous_page_url": .null,
          "url": url(page: paging.page, token: paging.token), "next_page_url": next ?? .null,
          "key": .string("contents"),
        ]),
      ]))
  }
}

extension SandboxTemplate {
  /// Reads the body of a creation.
  /// - Throws: what Twilio would complain about first.
  init(_ json: JSONValue, account: String, now: UTCTime) throws(TwilioError) {
    guard let language = json["language"]?.string, !language.isEmpty
    else { throw .invalidParameter("language is required") }
    guard let types = json["types"]?.members, !types.isEmpty, types.allSatisfy({ $0.value.members != nil })
    else { throw .invalidParameter("types is required") }
    for type in types { if let fault = Self.fault(in: type) { throw .invalidParameter(fault) } }
    let variables = json["variables"]?.members ?? []
    guard variables.allSatisfy({ $0.value.string != nil && (1...16).contains($0.name.utf8.count) })
    else { throw .invalidParameter("variables must be strings") }
    self.init(
      sid: SandboxSID.make("HX"), accountSID: account, friendlyName: json["friendly_name"]?.string ?? "",
      language: language, variables: variables, types: types, approval: Approval(), created: now, updated: now)
  }
}
