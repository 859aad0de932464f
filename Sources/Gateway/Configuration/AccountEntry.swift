// An account's entry, and the rules that its keys keep among themselves.

public import ChannelProtocol

/// One of `accounts:`.
public struct AccountEntry: Sendable, Hashable {
  /// Its name in the file.
  public var id: String
  /// Nil: `sandbox`, the built-in Twilio that the gateway starts by itself.
  public var accountSID: String?
  /// Without the empty ones. Never empty for a real account; the sandbox brings its own.
  public var authTokens: [Secret]
  /// Both or none.
  public var apiKey: String?
  public var apiSecret: Secret?
  /// Without the empty ones.
  public var sharedKeys: [String: Secret]
  /// Without a trailing slash.
  public var baseURL: String?
  /// Of Twilio's: `ie1` and `dublin`. A region has its own credentials.
  public var region: String?
  public var edge: String?

  /// How its messages are compared with the provider's list.
  public var reconciliation = ReconciliationPolicy()

  /// The account as adapters see it; nil for the sandbox, whose account exists once it runs.
  public var account: Account? {
    guard let accountSID else { return nil }
    return Account(
      id: id, accountSID: accountSID, authTokens: authTokens, apiKey: apiKey, apiSecret: apiSecret,
      sharedKeys: sharedKeys, baseURL: baseURL, region: region, edge: edge)
  }
}

extension AccountEntry {
  /// Reads a checked entry and reports what its keys do not say together.
  init(_ value: ConfigurationValue, validator: inout ConfigurationValidator) {
    id = value["id"]?.string ?? ""
    authTokens = (value["authTokens"]?.list ?? []).compactMap(\.string).filter { !$0.isEmpty }.map(Secret.init)
    apiKey = value["apiKey"]?.string
    apiSecret = value["apiSecret"]?.string.map(Secret.init)
    sharedKeys = Dictionary(
      (value["sharedKeys"]?.members ?? []).map { ($0.key, $0.value.string ?? "") }.filter { !$0.1.isEmpty },
      uniquingKeysWith: { first, _ in first }
    ).mapValues(Secret.init)
    baseURL = value["baseURL"].flatMap { WebURL.base($0, label: "baseURL", validator: &validator) }
    readPlace(value, validator: &validator)

    reconciliation = ReconciliationPolicy(value["reconcile"], validator: &validator)

    let isOfOtherProvider = (value["provider"]?.string ?? "twilio") != "twilio"
    if let written = value["accountSID"] {
      let text = written.string ?? ""
      if Self.isAccountSID(text) || (isOfOtherProvider && !text.isEmpty && text != "sandbox") {
        accountSID = text
        if authTokens.isEmpty {
          let place = value["authTokens"]?.position ?? value.position
          validator.report("account `\(id)` has an accountSID but no auth token: authTokens is empty", at: place)
        }
      } else if isOfOtherProvider {
        validator.report("only Twilio has a sandbox: accountSID must be the account's id", at: written.position)
      } else if text != "sandbox" {
        // Not printed: a token put into the wrong key would be.
        validator.report("accountSID must be AC and 32 hexadecimal digits, or `sandbox`", at: written.position)
      }
    }
    if let key = value.member("apiKey"), value["apiSecret"] == nil {
      validator.report("apiKey needs its apiSecret", at: key.keyPosition)
    }
    if let key = value.member("apiSecret"), value["apiKey"] == nil {
      validator.report("apiSecret needs its apiKey", at: key.keyPosition)
    }
  }

  /// Both become parts of host names that are given our credentials: nothing may stand in them that ends such a part.
  private mutating func readPlace(_ value: ConfigurationValue, validator: inout ConfigurationValidator) {
    region = value["region"]?.string
    edge = value["edge"]?.string
    var isPlain = true
    for (name, example) in [("region", "ie1"), ("edge", "dublin")] {
      guard let written = value[name], let text = written.string, !Self.isHostPart(text) else { continue }
      isPlain = false
      validator.report(
        "\(name) must be a word of Twilio's such as `\(example)`, not \"\(ConfigurationValidator.printable(text))\"",
        at: written.position)
    }
    if baseURL != nil, let member = value.member("region") ?? value.member("edge") {
      validator.report("\(member.key) has no effect beside baseURL: leave one of them out", at: member.keyPosition)
    }
    // `api.ie1.twilio.com` and its like were switched off in April 2026; without an edge there is only us1.
    if isPlain, edge == nil, let region, region != "us1", let member = value.member("region") {
      validator.report("region `\(region)` needs its edge, such as `dublin`", at: member.keyPosition)
    }
  }

  /// Lower case, digits and inner hyphens.
  private static func isHostPart(_ text: String) -> Bool {
    let isOfWords = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-")
    }
    return isOfWords && !text.hasPrefix("-") && !text.hasSuffix("-")
  }

  /// Twilio's form of it: `^AC[0-9a-fA-F]{32}$`.
  private static func isAccountSID(_ text: String) -> Bool {
    text.utf8.count == 34 && text.hasPrefix("AC") && text.dropFirst(2).allSatisfy { $0.isASCII && $0.isHexDigit }
  }
}
