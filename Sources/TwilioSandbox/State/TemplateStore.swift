// The templates of all accounts, and the pages of their lists.

/// Templates, oldest first.
struct TemplateStore: Sendable {
  private var templates: [SandboxTemplate]
  /// Beyond it nothing is created.
  static let limit = 10_000

  init(accounts: [String]) {
    templates = accounts.flatMap { SandboxTemplate.samples(of: $0) }
  }

  /// Another account's template is not found either.
  subscript(sid: String, account: String) -> SandboxTemplate? {
    templates.first { $0.sid == sid && $0.accountSID == account }
  }

  /// - Returns: false when there is no more room.
  mutating func append(_ template: SandboxTemplate) -> Bool {
    guard templates.count < Self.limit else { return false }
    templates.append(template)
    return true
  }

  @discardableResult
  mutating func remove(_ sid: String, account: String) -> Bool {
    let count = templates.count
    templates.removeAll { $0.sid == sid && $0.accountSID == account }
    return templates.count < count
  }

  /// One page of an account's templates, newest first.
  struct Page: Sendable {
    var templates: [SandboxTemplate]
    var hasMore: Bool
  }

  /// A token `DN<sid>` continues behind that template; one whose template is gone stands behind everything.
  func page(account: String, size: Int, token: String?) -> Page {
    var rest = templates.reversed().filter { $0.accountSID == account }[...]
    if let token {
      let position = rest.firstIndex { "DN" + $0.sid == token }
      rest = position.map { rest[($0 + 1)...] } ?? []
    }
    return Page(templates: Array(rest.prefix(size)), hasMore: rest.count > size)
  }
}
