// What an Engine.IO server promises its clients, and what it bears from them.

public import HTTPTypes
public import NIOCore

public struct EngineConfiguration: Sendable {
  public enum Transport: String, Sendable, Hashable {
    case polling, websocket
  }

  /// Where it is served, with its trailing slash.
  public var path = "/engine.io/"
  public var transports: Set<Transport> = [.polling, .websocket]
  /// The time from a pong to the next ping.
  public var pingInterval = TimeAmount.milliseconds(25_000)
  /// How long a client has for its pong.
  public var pingTimeout = TimeAmount.milliseconds(20_000)
  /// How long a client has to end an upgrade it has begun.
  public var upgradeTimeout = TimeAmount.milliseconds(10_000)
  /// How long what was last said to a polling client waits for its next request.
  public var closeTimeout = TimeAmount.milliseconds(5_000)
  /// The size of one message, and of one polling request, in bytes.
  public var maximumPayload = 1_000_000
  /// How many packets one polling request may carry.
  public var maximumPackets = 256
  /// How many an answer carries: python-engineio's client takes no more than these from a server.
  public var maximumPacketsPerAnswer = 16
  /// How many bytes may wait for a client before it is given up as too slow.
  public var maximumUnsent = 1 << 20
  /// A connection stops being writable when this many bytes wait for its client.
  public var highWater = 1 << 16
  public var maximumSessions = 20_000
  /// How many of them may be of clients that the application has not let in yet, where it lets them in later.
  public var maximumNewcomers = 5_000
  /// The same from one address.
  public var maximumNewcomersPerAddress = 1_000
  /// Who is behind a request; given it and the connection's address. Behind a proxy that says so, not the proxy.
  public var clientAddress: @Sendable (HTTPRequest, String?) -> String? = { $1 }
  /// From which web pages connections are let in. Pages of other origins need their name here in full.
  public var origins = OriginRules.any

  public init() {}
}
