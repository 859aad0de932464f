// The configured channels: whose a request is, and where a message can leave.

import ChannelProtocol

/// One entry of `channels:` with its adapter.
struct ConfiguredChannel: Sendable {
  let id: String
  let adapter: any ChannelAdapter
  let account: Account
  let type: ChannelType
  let capabilities: ChannelCapabilities
  let policies: ChannelPolicies
  let senders: [Sender]
  let quietHours: QuietHours?

  init(id: String, adapter: any ChannelAdapter, account: Account, quietHours: QuietHours? = nil) {
    self.id = id
    self.quietHours = quietHours
    self.adapter = adapter
    self.account = account
    type = Swift.type(of: adapter).type
    capabilities = adapter.capabilities
    policies = adapter.policies
    senders = adapter.senders
  }

  /// The line of ours that conversations on this channel are held on: its pool, or its first address, so that
  /// channels which share a number share its conversations.
  var line: String { senders.first?.address ?? id }

  /// The scopes of opt-outs that hold for this channel.
  var optOutScopes: Set<OptOutScope> { Set(senders.map { .line($0.address) } + [.account]) }

  /// The path, below the public URL, that the provider calls for `purpose`.
  func path(for purpose: WebhookRoute.Purpose) -> String? {
    adapter.routes.first { $0.purpose == purpose }?.path
  }

  /// Under which a sender is paced: channels that share a number share its rate.
  func senderKey(_ sender: Sender) -> String {
    "\(account.accountSID)/\(type.contactType)/\(sender.address)"
  }
}

/// All channels, asked by the way in and the way out.
struct ChannelDirectory: Sendable {
  let channels: [ConfiguredChannel]
  private let byID: [String: ConfiguredChannel]
  private let byPath: [String: [ConfiguredChannel]]

  init(_ channels: [ConfiguredChannel]) {
    self.channels = channels
    byID = Dictionary(channels.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var byPath: [String: [ConfiguredChannel]] = [:]
    for channel in channels {
      for path in Set(channel.adapter.routes.map(\.path)) { byPath[path, default: []].append(channel) }
    }
    self.byPath = byPath
  }

  subscript(id: String) -> ConfiguredChannel? { byID[id] }

  /// The paths that providers call.
  var paths: Set<String> { Set(byPath.keys) }

  /// The channel with the strongest claim on a request, the first one of equals; nil where nobody has any.
  func claimant(of request: WebhookRequest) -> (channel: ConfiguredChannel, claim: WebhookClaim)? {
    var best: (channel: ConfiguredChannel, claim: WebhookClaim)?
    for channel in byPath[String(request.path)] ?? [] {
      let claim = channel.adapter.claim(request)
      guard claim > (best?.claim ?? .none) else { continue }
      best = (channel, claim)
      if claim == .exact { break }
    }
    return best
  }

  /// The channels of a type, or of a contact channel's type.
  func channels(of type: ChannelType) -> [ConfiguredChannel] {
    channels.filter { $0.type == type }
  }

  /// How long free-form messages are allowed after a contact's last one, by contact channel type.
  var windows: [ChannelType: Duration] {
    Dictionary(
      channels.compactMap { channel in channel.capabilities.window.map { (channel.type.contactType, $0) } },
      uniquingKeysWith: { max($0, $1) })
  }

  /// Every sender of every channel, once, with the fastest rate that a channel gives it.
  var senders: [SenderLane] {
    var lanes: [String: SenderLane] = [:]
    for channel in channels {
      for sender in channel.senders {
        let key = channel.senderKey(sender)
        let rate = max(lanes[key]?.messagesPerSecond ?? 0, sender.messagesPerSecond)
        lanes[key] = SenderLane(key: key, address: sender.address, messagesPerSecond: rate)
      }
    }
    return lanes.values.sorted { $0.key < $1.key }
  }
}

/// A sender of ours as the sending side sees it: one queue, one rate.
struct SenderLane: Sendable, Hashable {
  let key: String
  let address: String
  let messagesPerSecond: Double
}
