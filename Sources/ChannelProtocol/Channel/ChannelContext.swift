// What an adapter is given, so that it holds nothing global.

public import Logging

/// An account at a provider, from `accounts:` in `channels.yaml`.
public struct Account: Sendable, Hashable {
  /// Its name in the file.
  public var id: String
  public var accountSID: String
  /// The first one calls, the next where it is refused; all of them verify; never empty, none of them empty.
  public var authTokens: [Secret]
  public var apiKey: String?
  public var apiSecret: Secret?
  /// Keys of the provider's newer signature scheme, by id.
  public var sharedKeys: [String: Secret]
  /// Replaces scheme and host of every product of the provider, media included.
  public var baseURL: String?
  /// Where the provider's products are, in its own words.
  public var region: String?
  public var edge: String?

  public init(
    id: String, accountSID: String, authTokens: [Secret], apiKey: String? = nil, apiSecret: Secret? = nil,
    sharedKeys: [String: Secret] = [:], baseURL: String? = nil, region: String? = nil, edge: String? = nil
  ) {
    self.id = id
    self.accountSID = accountSID
    self.authTokens = authTokens
    self.apiKey = apiKey
    self.apiSecret = apiSecret
    self.sharedKeys = sharedKeys
    self.baseURL = baseURL
    self.region = region
    self.edge = edge
  }
}

public struct ChannelContext: Sendable {
  /// The channel's id in `channels.yaml`.
  public var channelID: String
  public var account: Account
  /// The gateway's public base URL, without a trailing slash; providers' signatures are made over it.
  public var publicURL: String
  public var transport: any HTTPTransport
  public var clock: any WallClock
  public var logger: Logger

  public init(
    channelID: String, account: Account, publicURL: String, transport: any HTTPTransport, clock: any WallClock,
    logger: Logger
  ) {
    self.channelID = channelID
    self.account = account
    self.publicURL = publicURL
    self.transport = transport
    self.clock = clock
    self.logger = logger
  }
}
