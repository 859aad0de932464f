// From which web pages a browser may connect: the `Origin` header (RFC 6454), which a page cannot forge.

package import HTTPTypes

/// Which origins are let in. Requests without an `Origin` come from no browser and are let in always.
public enum OriginRules: Hashable, Sendable {
  case any
  /// Such as `https://app.example.com`, compared without regard to case.
  case only(Set<String>)

  /// - Parameter origins: those to let in; empty: any.
  public init(_ origins: [String]) {
    self = origins.isEmpty ? .any : .only(Set(origins.map { $0.lowercased() }))
  }

  package func permits(_ request: HTTPRequest) -> Bool {
    guard case .only(let origins) = self, let origin = request.headerFields[.origin] else { return true }
    return origins.contains(origin.lowercased())
  }
}
