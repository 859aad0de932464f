// A base URL in the configuration.

import Foundation

enum WebURL {
  /// An absolute http or https URL, without query and fragment; a path prefix may be in it.
  /// - Returns: the URL without its trailing slash; nil, and a report, for anything else.
  static func base(
    _ value: ConfigurationValue, label: String, validator: inout ConfigurationValidator
  ) -> String? {
    guard var text = value.string, !text.isEmpty else { return nil }
    let isPrintableASCII = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    let components = URLComponents(string: text)
    let scheme = components?.scheme?.lowercased()
    guard isPrintableASCII, let components, scheme == "http" || scheme == "https", components.host?.isEmpty == false,
      components.user == nil, components.password == nil, components.query == nil, components.fragment == nil
    else {
      // With an @ there may be a password in it.
      let shown = text.contains("@") ? "" : ", not \"\(ConfigurationValidator.printable(text))\""
      validator.report(
        "\(label) must be an http or https URL such as https://sms.example.com\(shown)", at: value.position)
      return nil
    }
    while text.hasSuffix("/") { text.removeLast() }
    return text
  }

  /// A scheme, a host and maybe a port, and nothing else.
  static func origin(
    _ value: ConfigurationValue, label: String, validator: inout ConfigurationValidator
  ) -> String? {
    guard let text = base(value, label: label, validator: &validator) else { return nil }
    guard text.split(separator: "/", omittingEmptySubsequences: false).count == 3 else {
      validator.report("\(label) must be origins such as https://app.example.com, without a path", at: value.position)
      return nil
    }
    return text.lowercased()
  }
}
