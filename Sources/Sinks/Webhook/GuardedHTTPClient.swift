// The HTTP client for URLs that strangers chose: judges the address it connects to, not the name it was given.

import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Posts to endpoints over HTTP/1.1. Resolves names itself at every new connection, drops every address the rules do
/// not permit and connects to one that is left; follows no redirect, knows no proxy, keeps no cookie.
final class GuardedHTTPClient: Sendable {
  struct Limits: Sendable {
    /// How long an idle connection is kept.
    var idle = TimeAmount.seconds(30)
    /// How old a connection may become, so that a changed DNS entry is seen.
    var age = TimeAmount.seconds(60)
    var idleConnections = 512
    var idlePerOrigin = 64
    /// How many addresses of a host are tried.
    var addresses = 4
  }

  struct Request: Sendable {
    var fields: [(name: String, value: String)]
    var body: [UInt8]
  }

  private struct Connection: Sendable {
    var channel: any Channel
    var retiresAt: NIODeadline
    var earlyFailure: EarlyFailure
  }

  private struct State {
    var idle: IdleConnections<Connection>
    var open: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
  }

  private let rules: AddressRules
  private let resolver: HostResolver
  private let tls: NIOSSLContext
  private let group: any EventLoopGroup
  private let limits: Limits
  private let state: Mutex<State>

  init(
    rules: AddressRules, tls: NIOSSLContext, resolver: HostResolver = HostResolver(), limits: Limits = Limits(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) {
    self.rules = rules
    self.tls = tls
    self.resolver = resolver
    self.limits = limits
    self.group = group
    state = Mutex(
      State(idle: IdleConnections(limit: limits.idleConnections, perOrigin: limits.idlePerOrigin)))
  }

  /// One exchange. A pooled connection that turns out dead before a byte of an answer is replaced once.
  func post(_ request: Request, to url: EndpointURL, deadline: NIODeadline) async -> Result<HTTPAnswer, WebhookFailure>
  {
    let origin = IdleConnections<Connection>.Origin(url)
    if let connection = takeIdle(origin) {
      let result = await exchange(request, url, on: connection, deadline)
      if case .failure(.connectionFailed) = result {} else { return result }
    }
    do {
      let connection = try await connect(to: url, deadline: deadline)
      let result = await exchange(request, url, on: connection, deadline)
      if case .failure(.connectionFailed) = result, let failure = connection.earlyFailure.failure {
        return .failure(failure)
      }
      return result
    } catch {
      return .failure(error)
    }
  }

  /// Fails exchanges under way and those to come.
  func close() {
    let (idle, open) = state.withLock { state in
      state.isClosed = true
      return (state.idle.removeAll(), Array(state.open.values))
    }
    for connection in idle { connection.channel.close(promise: nil) }
    for channel in open { channel.close(promise: nil) }
    resolver.close()
  }

  // MARK: Connections

  private func takeIdle(_ origin: IdleConnections<Connection>.Origin) -> Connection? {
    while true {
      let (connection, expired) = state.withLock { $0.idle.take(origin, now: .now()) }
      for old in expired { old.channel.close(promise: nil) }
      guard let connection else { return nil }
      if connection.channel.isActive { return connection }
    }
  }

  private func park(_ connection: Connection, _ origin: IdleConnections<Connection>.Origin) {
    let released = state.withLock { state in
      state.isClosed
        ? [connection]
        : state.idle.put(connection, origin: origin, retiresAt: connection.retiresAt, now: .now())
    }
    for old in released { old.channel.close(promise: nil) }
  }

  private func connect(to url: EndpointURL, deadline: NIODeadline) async throws(WebhookFailure) -> Connection {
    let eventLoop = group.next()
    let permitted = try await addresses(of: url, on: eventLoop, deadline: deadline).prefix(limits.addresses)
    var failure = WebhookFailure.connectionFailed
    for (index, address) in permitted.enumerated() {
      let remaining = deadline - .now()
      if remaining <= .nanoseconds(0) { throw .timeout }
      if state.withLock(\.isClosed) { throw .interrupted }
      // The last may take all that is left; those before it leave half.
      let share = index == permitted.count - 1 ? remaining : .nanoseconds(remaining.nanoseconds / 2)
      do {
        let target = try SocketAddress(packedIPAddress: ByteBuffer(bytes: address.packed), port: url.port)
        let earlyFailure = EarlyFailure()
        let channel = try await ClientBootstrap(group: eventLoop).connectTimeout(share)
          .channelInitializer { [self] channel in
            channel.eventLoop.makeCompletedFuture { try prepare(channel, for: url, earlyFailure) }
          }
          .connect(to: target).get()
        return Connection(channel: channel, retiresAt: .now() + limits.age, earlyFailure: earlyFailure)
      } catch ChannelError.connectTimeout {
        failure = .timeout
      } catch {
        failure = .connectionFailed
      }
    }
    throw state.withLock(\.isClosed) ? .interrupted : failure
  }

  /// The addresses of the URL's host that may be reached.
  private func addresses(
    of url: EndpointURL, on eventLoop: any EventLoop, deadline: NIODeadline
  ) async throws(WebhookFailure) -> [IPAddress] {
    let all: [IPAddress]
    switch url.host {
    case .address(let address): all = [address]
    case .name(let name):
      do {
        all = try await resolver.resolve(name, on: eventLoop, deadline: deadline)
      } catch {
        throw error as? WebhookFailure ?? .unresolvedHost
      }
    }
    if all.isEmpty { throw .unresolvedHost }
    let permitted = all.filter(rules.permits)
    if permitted.isEmpty { throw .blockedAddress }
    return permitted
  }

  private func prepare(_ channel: any Channel, for url: EndpointURL, _ earlyFailure: EarlyFailure) throws {
    let pipeline = channel.pipeline.syncOperations
    if url.scheme == .https {
      // The certificate must be for the host that was asked for, or for the address where the URL holds one; an address
      // stands in no SNI (RFC 6066 section 3).
      if case .name(let name) = url.host {
        try pipeline.addHandler(CertificateNames.handler(context: tls, host: name))
      } else {
        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: nil))
      }
    }
    try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
    try pipeline.addHandler(HTTPExchangeHandler(idleLimit: limits.idle, earlyFailure: earlyFailure))
    let id = ObjectIdentifier(channel)
    state.withLock { $0.open[id] = channel }
    channel.closeFuture.whenComplete { [self] _ in state.withLock { _ = $0.open.removeValue(forKey: id) } }
  }

  // MARK: Exchange

  private func exchange(
    _ request: Request, _ url: EndpointURL, on connection: Connection, _ deadline: NIODeadline
  ) async -> Result<HTTPAnswer, WebhookFailure> {
    var headers = HTTPHeaders([("host", url.authority)])
    for field in request.fields { headers.add(name: field.name, value: field.value) }
    headers.add(name: "content-length", value: String(request.body.count))
    let channel = connection.channel
    let promise = channel.eventLoop.makePromise(of: HTTPExchangeHandler.Exchanged.self)
    let accepted = channel.eventLoop.makePromise(of: Void.self)
    // A channel that has closed has no handler any more: the event then fails at the pipeline's head.
    accepted.futureResult.whenFailure { _ in promise.fail(WebhookFailure.connectionFailed) }
    channel.triggerUserOutboundEvent(
      HTTPExchangeHandler.Request(
        head: HTTPRequestHead(version: .http1_1, method: .POST, uri: url.target, headers: headers),
        body: ByteBuffer(bytes: request.body), deadline: deadline, promise: promise),
      promise: accepted)
    do {
      let exchanged = try await promise.futureResult.get()
      if exchanged.reusable { park(connection, .init(url)) }
      return .success(exchanged.answer)
    } catch {
      if state.withLock(\.isClosed) { return .failure(.interrupted) }
      return .failure(error as? WebhookFailure ?? .connectionFailed)
    }
  }
}
