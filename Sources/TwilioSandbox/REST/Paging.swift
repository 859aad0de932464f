// Twilio's pages (2010-04-01 API): page, page_size, start, end and relative URIs.

/// The paging parameters of a list request.
struct Paging: Sendable, Equatable {
  /// 50 unless asked for, at most 1000.
  var size = 50
  /// Shown, not used: Twilio calls it client state.
  var page = 0
  var token: String?

  init(_ query: FormFields) {
    if let text = query["PageSize"], let number = Int(text), number > 0 { size = min(number, 1000) }
    if let text = query["Page"], let number = Int(text), number > 0 { page = number }
    token = query["PageToken"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The members around the list.
  ///
  /// - Parameters:
  ///   - filters: names of the parameters that go along into the URIs.
  ///   - next: token of the next page; nil at the end. `previous` likewise.
  func members(
    path: String, filters: [String], query: FormFields, count: Int, next: String?, previous: String?
  ) -> [JSONValue.Member] {
    let kept = query.fields.filter { filters.contains($0.name) }
    func uri(page: Int, token: String?) -> String {
      var form = FormFields(kept)
      form.append("PageSize", String(size))
      form.append("Page", String(page))
      form.append("PageToken", ifPresent: token)
      return path + "?" + form.encoded
    }
    let start = page * size
    return [
      .init(name: "end", value: .integer(count > 0 ? start + count - 1 : start)),
      .init(name: "first_page_uri", value: .string(uri(page: 0, token: nil))),
      .init(name: "next_page_uri", value: .optional(next.map { uri(page: page + 1, token: $0) })),
      .init(name: "page", value: .integer(page)),
      .init(name: "page_size", value: .integer(size)),
      .init(name: "previous_page_uri", value: .optional(previous.map { uri(page: max(0, page - 1), token: $0) })),
      .init(name: "start", value: .integer(start)),
      .init(name: "uri", value: .string(uri(page: page, token: token))),
    ]
  }
}
