// From the tree to the configuration: section by section, then what the sections say about each other.

import ChannelProtocol
import Sinks

/// Reads on after every problem, with defaults in the place of what is wrong: the result counts only where `problems`
/// is empty.
struct ConfigurationReader {
  let schema: ConfigurationSchema
  private var validator: ConfigurationValidator

  var problems: [ConfigurationError.Located] { validator.problems }

  init(schema: ConfigurationSchema, environment: [String: String]) {
    self.schema = schema
    validator = ConfigurationValidator(environment: environment)
  }

  mutating func read(_ root: ConfigurationNode, file: String) -> GatewayConfiguration {
    var nodes: [String: ConfigurationNode] = [:]
    let names = ConfigurationSchema.sections.map(\.name)
    for member in root.mapping ?? [] {
      if names.contains(member.key) {
        if !member.value.isNull { nodes[member.key] = member.value }
      } else {
        validator.reportUnknownKey(member, among: names)
        validator.reportMissingVariables(in: member.value)
      }
    }
    for section in ConfigurationSchema.sections where section.isRequired && nodes[section.name] == nil {
      validator.report("section `\(section.name)` is missing", at: root.position)
    }

    func section(_ name: String, _ keys: [ConfigurationKey], _ validator: inout ConfigurationValidator)
      -> ConfigurationValue
    {
      nodes[name].flatMap { validator.object($0, keys: keys, label: name) }
        ?? ConfigurationValue(content: .object([]), position: root.position)
    }
    let server = section("server", ConfigurationSchema.serverKeys, &validator)
    let database = section("database", ConfigurationSchema.databaseKeys, &validator)
    let limits = section("limits", ConfigurationSchema.limitKeys, &validator)
    let media = section("media", ConfigurationSchema.mediaKeys, &validator)
    let retention = section("retention", ConfigurationSchema.retentionKeys, &validator)
    let known = problems.count
    let accounts = readAccounts(nodes["accounts"])
    let areAccountsRight = problems.count == known
    return GatewayConfiguration(
      file: file, server: readServer(server), database: readDatabase(database), accounts: accounts ?? [],
      channels: readChannels(nodes["channels"], accounts: accounts, areAccountsRight: areAccountsRight),
      sinks: readSinks(nodes["sinks"]),
      limits: readLimits(limits),
      media: readMedia(media),
      retention: readRetention(retention))
  }

  // MARK: - Sections

  private mutating func readServer(_ value: ConfigurationValue) -> GatewayConfiguration.Server {
    .init(
      host: value["host"]?.string ?? "0.0.0.0",
      port: value["port"]?.integer ?? 3_000,
      publicURL: value["publicURL"].flatMap { WebURL.base($0, label: "publicURL", validator: &validator) },
      corsOrigins: (value["cors"]?["origins"]?.list ?? []).compactMap { origin in
        origin.string == "*" ? "*" : WebURL.origin(origin, label: "cors.origins", validator: &validator)
      }, trustedProxies: readProxies(value["trustedProxies"]?.list ?? []))
  }

  private mutating func readProxies(_ items: [ConfigurationValue]) -> [AddressBlock] {
    items.compactMap { item in
      guard let text = item.string, !text.isEmpty else { return nil }
      let block = AddressBlock(text)
      if block == nil {
        validator.report(
          "trustedProxies must be addresses such as 10.0.0.0/8 or ::1, not \"\(ConfigurationValidator.printable(text))\"",
          at: item.position)
      }
      return block
    }
  }

  private mutating func readMedia(_ value: ConfigurationValue) -> GatewayConfiguration.Media {
    let types = value["types"].map { types in
      (types.list ?? []).compactMap { type -> String? in
        let pattern = type.string.flatMap { MediaLimits.pattern($0) }
        if pattern == nil, type.string != nil {
          validator.report("types must be media types such as image/png or image/*", at: type.position)
        }
        return pattern
      }
    }
    return .init(
      store: value["store"]?.string.flatMap(GatewayConfiguration.Media.Store.init) ?? .database,
      path: value["path"]?.string ?? ".fractal/media", maxSize: value["maxSize"]?.integer, types: types)
  }

  private mutating func readDatabase(_ value: ConfigurationValue) -> GatewayConfiguration.Database {
    guard let url = value["url"], let text = url.string, text != "embedded" else { return .embedded }
    // The two forms that libpq takes (PostgreSQL manual, section 34.1.1); the text itself holds the password.
    let isURL = text.hasPrefix("postgres://") || text.hasPrefix("postgresql://")
    if !isURL, text.contains("://") || !text.contains("=") {
      validator.report("url must be a postgres:// URL, or `embedded`", at: url.position)
    }
    return .url(Secret(text))
  }

  private func readLimits(_ value: ConfigurationValue) -> GatewayConfiguration.Limits {
    let rate = value["requestsPerSecond"]?.number ?? 100
    return .init(requestsPerSecond: rate, burst: value["burst"]?.integer ?? max(1, Int((rate * 2).rounded(.up))))
  }

  private mutating func readRetention(_ value: ConfigurationValue) -> GatewayConfiguration.Retention {
    let events = readAge("events", in: value)
    let deliveries = readAge("deliveries", in: value)
    let uploads = readAge("uploads", in: value)
    let media = readAge("media", in: value)
    return .init(
      events: events ?? .seconds(30 * 86_400), deliveries: deliveries ?? .seconds(30 * 86_400),
      uploads: uploads ?? .seconds(7 * 86_400), media: media)
  }

  /// Not inlined: the optimiser of Swift 6.3.1 crashes on the function that it makes of all four.
  @inline(never)
  private mutating func readAge(_ name: String, in value: ConfigurationValue) -> Duration? {
    guard let age = value[name], let seconds = age.number else { return nil }
    if seconds == 0 { validator.report("\(name) must be longer than 0", at: age.position) }
    return .seconds(seconds)
  }

  // MARK: - Lists

  /// - Returns: nil where there is no list to refer to, so that no channel is blamed for it.
  private mutating func readAccounts(_ node: ConfigurationNode?) -> [AccountEntry]? {
    guard let items = items(of: node, label: "accounts") else { return nil }
    var entries: [AccountEntry] = []
    var ids = UniqueNames(kind: "account")
    for (index, item) in items.enumerated() {
      let keys = ConfigurationSchema.accountKeys
      guard let value = validator.object(item, keys: keys, label: "accounts[\(index)]") else { continue }
      ids.insert(value["id"], validator: &validator)
      entries.append(AccountEntry(value, validator: &validator))
    }
    return entries
  }

  /// - Parameter areAccountsRight: false: adapters would be made with what is wrong already.
  private mutating func readChannels(
    _ node: ConfigurationNode?, accounts: [AccountEntry]?, areAccountsRight: Bool
  ) -> [ChannelEntry] {
    var entries: [ChannelEntry] = []
    var ids = UniqueNames(kind: "channel")
    for (index, item) in (items(of: node, label: "channels") ?? []).enumerated() {
      let known = problems.count
      let entry = readEntry(
        item, label: "channels[\(index)]", kind: "channel", shared: ConfigurationSchema.channelKeys,
        types: schema.channelTypes)
      guard let entry else { continue }
      ids.insert(entry["id"], validator: &validator)
      let isReadable = problems.count == known
      var channel = ChannelEntry(
        id: entry["id"]?.string ?? "", type: entry["type"]?.string ?? "",
        accountID: accountID(of: entry, in: item, among: accounts),
        options: entry.without(ConfigurationSchema.channelKeys))
      channel.quietHours = entry["quietHours"].flatMap { QuietHours($0, validator: &validator) }
      entries.append(channel)
      // Only what was read in full is shown to its type: it would blame a key for another one's fault.
      guard isReadable else { continue }
      let account = areAccountsRight ? accounts?.first { $0.id == channel.accountID } : nil
      validator.report(schema.channelProblems(channel, account))
    }
    return entries
  }

  private mutating func readSinks(_ node: ConfigurationNode?) -> [SinkEntry] {
    var entries: [SinkEntry] = []
    var ids = UniqueNames(kind: "sink")
    for (index, item) in (items(of: node, label: "sinks") ?? []).enumerated() {
      let known = problems.count
      let entry = readEntry(
        item, label: "sinks[\(index)]", kind: "sink", shared: ConfigurationSchema.sinkKeys, types: schema.sinkTypes)
      guard let entry else { continue }
      let id = entry["id"] ?? entry["type"]
      ids.insert(id, hint: entry["id"] == nil ? "; give one of them an `id`" : "", validator: &validator)
      let sink = SinkEntry(
        id: id?.string ?? "", type: entry["type"]?.string ?? "", options: entry.without(ConfigurationSchema.sinkKeys))
      entries.append(sink)
      if problems.count == known { validator.report(schema.sinkProblems(sink)) }
    }
    return entries
  }

  private mutating func items(of node: ConfigurationNode?, label: String) -> [ConfigurationNode]? {
    guard let node else { return nil }
    if let items = node.sequence { return items }
    validator.reportMissingVariables(in: node)
    validator.report("\(label) must be a list, not \(node.shape)", at: node.position)
    return nil
  }

  /// An entry whose further keys depend on its type; where that is not known, they are passed over.
  private mutating func readEntry(
    _ node: ConfigurationNode, label: String, kind: String, shared: [ConfigurationKey],
    types: [String: [ConfigurationKey]]
  ) -> ConfigurationValue? {
    // Read twice on purpose: the type decides what the other keys mean.
    var preview = ConfigurationValidator(environment: validator.environment)
    let type = preview.object(node, keys: shared, label: label, isOpen: true)?["type"]
    let own = type?.string.flatMap { types[$0] }
    if let type, let name = type.string, own == nil {
      let names = types.keys.sorted()
      let suggestion = NearestWord.suggestion(for: name, among: names)
      let known = names.map { "`\($0)`" }.joined(separator: ", ")
      let message = "unknown \(kind) type `\(ConfigurationValidator.printable(name))`\(suggestion) (there are \(known))"
      validator.report(message, at: type.position)
    }
    return validator.object(node, keys: shared + (own ?? []), label: label, isOpen: own == nil)
  }

  private mutating func accountID(
    of entry: ConfigurationValue, in node: ConfigurationNode, among accounts: [AccountEntry]?
  ) -> String {
    let isWritten = node.mapping?.contains { $0.key == "account" && !$0.value.isNull } == true
    guard let written = entry["account"], let name = written.string else {
      guard !isWritten, let accounts else { return "" }
      if accounts.count == 1 { return accounts[0].id }
      if accounts.count > 1 {
        validator.report("key `account` is missing: there are several accounts", at: entry.position)
      }
      return ""
    }
    let ids = (accounts ?? []).map(\.id).filter { !$0.isEmpty }
    if accounts != nil, !ids.contains(name) {
      let suggestion = NearestWord.suggestion(for: name, among: ids)
      let known = suggestion.isEmpty && !ids.isEmpty ? " (\(ids.map { "`\($0)`" }.joined(separator: ", ")))" : ""
      let shown = ConfigurationValidator.printable(name)
      validator.report("account `\(shown)` is not among accounts\(known)\(suggestion)", at: written.position)
    }
    return name
  }
}

/// The ids of one list.
private struct UniqueNames {
  let kind: String
  private var lines: [String: Int] = [:]

  init(kind: String) { self.kind = kind }

  /// Reports an id that was there before, or that cannot stand in a URL or a metric.
  mutating func insert(_ value: ConfigurationValue?, hint: String = "", validator: inout ConfigurationValidator) {
    guard let value, let id = value.string else { return }
    let shown = ConfigurationValidator.printable(id)
    let isPlain =
      id.utf8.count <= 64 && id.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
    if !isPlain {
      validator.report(
        "\(kind) id `\(shown)` must be of letters, digits, `-`, `_` and `.`, at most 64", at: value.position)
    }
    if let line = lines[id] {
      validator.report("\(kind) id `\(shown)` is used twice (first on line \(line))\(hint)", at: value.position)
    } else {
      lines[id] = value.position.line
    }
  }
}

extension ConfigurationValue {
  /// The object without these keys.
  fileprivate func without(_ keys: [ConfigurationKey]) -> Self {
    let rest = (members ?? []).filter { member in !keys.contains { $0.name == member.key } }
    return ConfigurationValue(content: .object(rest), position: position)
  }
}
