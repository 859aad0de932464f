// The `websocket` entry under `sinks:` in `channels.yaml`.

public import ChannelProtocol
internal import NIOCore

public struct WebSocketConfiguration: ChannelConfiguration {
  /// Where it is served.
  public var path = "/ws"
  public var maxConnections = 20_000
  /// How much may wait for a reader's socket, in bytes, before the reader is closed as too slow.
  public var maxUnsentBytes = 1 << 20
  /// Seconds a reader's socket may be full before it is closed as too slow.
  public var writeTimeout = 10.0
  /// Seconds between pings.
  public var pingInterval = 25.0
  /// Seconds a peer has for its pong.
  public var pongTimeout = 20.0
  /// Seconds a peer that came without a key has to show one.
  public var authTimeout = 5.0
  /// Where Socket.IO is served, with its trailing slash; nil: nowhere.
  public var socketIO: String? = "/socket.io/"
  /// From which web pages connections are let in; empty: from any.
  public var origins: [String] = []

  public init() {}

  public static let keys: [ConfigurationKey] = [
    ConfigurationKey("path", .string, "Where the WebSocket is served; /ws if left out."),
    ConfigurationKey("maxConnections", .integer(1...1_000_000), "Connections beyond this are answered 503."),
    ConfigurationKey(
      "maxUnsentBytes", .integer(65_536...1_073_741_824),
      "How many bytes may wait for a reader before it is closed as too slow."),
    ConfigurationKey("writeTimeout", .duration, "How long a reader may take nothing before it is closed as too slow."),
    ConfigurationKey("pingInterval", .duration, "The time between two pings."),
    ConfigurationKey("pongTimeout", .duration, "How long a peer has for its pong."),
    ConfigurationKey("authTimeout", .duration, "How long a peer that came without a key has to show one."),
    ConfigurationKey("socketIO", .string, "Where Socket.IO is served, or off; /socket.io/ if left out."),
    ConfigurationKey(
      "origins", .list(.string), "Web pages of these origins are let in (https://app.example.com); of all, if left out."
    ),
  ]

  private enum CodingKeys: String, CodingKey {
    case path, maxConnections, maxUnsentBytes, writeTimeout, pingInterval, pongTimeout, authTimeout, socketIO, origins
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    path = try container.decodeIfPresent(String.self, forKey: .path) ?? path
    maxConnections = try container.decodeIfPresent(Int.self, forKey: .maxConnections) ?? maxConnections
    maxUnsentBytes = try container.decodeIfPresent(Int.self, forKey: .maxUnsentBytes) ?? maxUnsentBytes
    writeTimeout = try container.decodeIfPresent(Double.self, forKey: .writeTimeout) ?? writeTimeout
    pingInterval = try container.decodeIfPresent(Double.self, forKey: .pingInterval) ?? pingInterval
    pongTimeout = try container.decodeIfPresent(Double.self, forKey: .pongTimeout) ?? pongTimeout
    authTimeout = try container.decodeIfPresent(Double.self, forKey: .authTimeout) ?? authTimeout
    if let path = try container.decodeIfPresent(String.self, forKey: .socketIO) {
      socketIO = path == "off" ? nil : path
    }
    origins = try container.decodeIfPresent([String].self, forKey: .origins) ?? origins
    try validate()
  }

  /// - Throws: all that decodes but cannot be.
  func validate() throws(ConfigurationProblems) {
    var problems: [ConfigurationProblem] = []
    if let socketIO, !Self.isPath(socketIO) || !socketIO.hasSuffix("/") {
      problems.append(
        ConfigurationProblem(path: ["socketIO"], "\"socketIO\" must be a path such as /socket.io/, or off"))
    }
    for origin in origins where !Self.isOrigin(origin) {
      problems.append(
        ConfigurationProblem(path: ["origins"], "\"\(origin)\" is no origin, such as https://app.example.com"))
    }
    if !Self.isPath(path) {
      problems.append(ConfigurationProblem(path: ["path"], "\"path\" must be a path of its own, such as /ws"))
    }
    let durations = [
      ("writeTimeout", writeTimeout), ("pingInterval", pingInterval), ("pongTimeout", pongTimeout),
      ("authTimeout", authTimeout),
    ]
    for (name, seconds) in durations where !(0.1...86_400).contains(seconds) {
      problems.append(ConfigurationProblem(path: [name], "\"\(name)\" must lie between 100ms and 1d"))
    }
    try ConfigurationProblems.check(problems)
  }

  private static func isPath(_ path: String) -> Bool {
    path.utf8.first == UInt8(ascii: "/") && path.utf8.count > 1
      && path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })
  }

  /// Scheme and host, a port perhaps, and nothing behind (RFC 6454 section 6.2).
  private static func isOrigin(_ text: String) -> Bool {
    guard let end = text.firstRange(of: "://") else { return false }
    let host = text[end.upperBound...]
    return ["http", "https"].contains(text[..<end.lowerBound].lowercased()) && !host.isEmpty
      && !host.utf8.contains(UInt8(ascii: "/"))
  }
}

/// The limits of a connection, as the code uses them.
struct WebSocketLimits: Sendable {
  var maxConnections = 20_000
  var maxUnsentBytes = 1 << 20
  var writeTimeout = TimeAmount.seconds(10)
  var pingInterval = TimeAmount.seconds(25)
  var pongTimeout = TimeAmount.seconds(20)
  var authTimeout = TimeAmount.seconds(5)
  /// How long a close frame may take to be answered.
  var closeTimeout = TimeAmount.seconds(5)
  /// The same when the server goes down, which waits for nobody who sleeps.
  var lastCloseTimeout = TimeAmount.seconds(1)
  /// The same for a reader that was too slow: the frame waits behind what the reader has not read yet.
  var slowCloseTimeout = TimeAmount.seconds(30)
  /// How long the log may take for a page.
  var storeTimeout = TimeAmount.seconds(30)
  /// How large a message may be, in bytes; what Socket.IO calls `maxPayload`.
  var maximumMessage = 1_000_000
  /// How much of one may arrive before a key was shown.
  var maximumUnauthenticated = 65_536
  /// Messages of one connection that may be on their way at once.
  var maximumSends = 16
  /// Events in a page from the log.
  var catchUpPage = 500
  /// How large a page may be, in bytes: about what a socket takes before it is full.
  var catchUpBytes = 65_536
  /// Pages from the log that are read at once, over all connections.
  var catchUpWidth = 8
  /// Requests of connections to the gateway at once, and waiting.
  var requestWidth = 64
  var requestQueue = 4_096
  /// How often deadlines are looked at.
  var sweepInterval = TimeAmount.seconds(1)

  init() {}

  init(_ configuration: WebSocketConfiguration) {
    maxConnections = configuration.maxConnections
    maxUnsentBytes = configuration.maxUnsentBytes
    writeTimeout = .nanoseconds(Int64(configuration.writeTimeout * 1e9))
    pingInterval = .nanoseconds(Int64(configuration.pingInterval * 1e9))
    pongTimeout = .nanoseconds(Int64(configuration.pongTimeout * 1e9))
    authTimeout = .nanoseconds(Int64(configuration.authTimeout * 1e9))
    let shortest = min(writeTimeout, pingInterval, pongTimeout, authTimeout)
    sweepInterval = min(sweepInterval, max(.milliseconds(25), .nanoseconds(shortest.nanoseconds / 4)))
  }

  func closeTimeout(for reason: RealtimeMetrics.CloseReason) -> TimeAmount {
    switch reason {
    case .slowReader: slowCloseTimeout
    case .shutdown: lastCloseTimeout
    default: closeTimeout
    }
  }
}
