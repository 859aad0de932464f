// Who comes into the Socket.IO namespace of messages: who has a key that may read.

internal import ChannelProtocol
internal import HTTPTypes
internal import NIOCore
internal import SocketIO

struct MessagingNamespace: SocketNamespace {
  let endpoint: RealtimeEndpoint

  static func server(at path: String, endpoint: RealtimeEndpoint) -> SocketServer {
    var configuration = EngineConfiguration()
    configuration.path = path
    configuration.pingInterval = endpoint.limits.pingInterval
    configuration.pingTimeout = endpoint.limits.pongTimeout
    configuration.maximumPayload = endpoint.limits.maximumMessage
    configuration.maximumUnsent = endpoint.limits.maxUnsentBytes
    configuration.highWater = min(configuration.highWater, endpoint.limits.maxUnsentBytes / 2)
    configuration.maximumSessions = endpoint.limits.maxConnections
    configuration.maximumNewcomers = max(1, endpoint.limits.maxConnections / 4)
    configuration.maximumNewcomersPerAddress = max(1, endpoint.limits.maxConnections / 20)
    configuration.clientAddress = { [gateway = endpoint.gateway] request, address in
      gateway.address(of: RealtimePeer(address: address, fields: request.headerFields))
    }
    configuration.origins = endpoint.origins
    var limits = SocketLimits()
    limits.connectTimeout = endpoint.limits.authTimeout
    // Messages have no binary parts: what is sent is taken and not looked at.
    limits.maximumAttachmentBytes = endpoint.limits.maximumMessage
    return SocketServer(
      configuration: configuration, limits: limits,
      namespaces: [MessagingEvent.namespace: MessagingNamespace(endpoint: endpoint)])
  }

  func connect(_ socket: Socket, auth: [UInt8]?) {
    let credentials: MessagingCredentials
    do throws(ProblemDocument) {
      credentials = try MessagingCredentials(auth)
    } catch {
      return Self.refuse(socket, error)
    }
    let (endpoint, loop) = (endpoint, socket.eventLoop)
    let peer = RealtimePeer(address: socket.peerAddress, fields: socket.request.headerFields)
    let bound = NIOLoopBound(socket, eventLoop: loop)
    let isSubmitted = endpoint.requests.submit {
      let verdict = await endpoint.gateway.verdict(on: credentials.token, from: peer)
      loop.execute { Self.decide(verdict, credentials, bound.value, endpoint) }
    }
    if !isSubmitted { Self.refuse(socket, .unavailable("Too many connections are being opened.")) }
  }

  private static func decide(
    _ verdict: Result<RealtimePrincipal?, any Error>, _ credentials: MessagingCredentials, _ socket: Socket,
    _ endpoint: RealtimeEndpoint
  ) {
    switch verdict {
    case .failure(let throttled as RealtimeThrottled): refuse(socket, .tooManyKeys(throttled.retryAfter))
    case .failure: refuse(socket, .unavailable("The key could not be checked."))
    case .success(nil): refuse(socket, .unauthorized)
    case .success(let principal?) where !principal.canRead: refuse(socket, .forbidden(scope: "read"))
    case .success(let principal?):
      guard socket.isConnecting else { return }
      guard endpoint.hub.admit() else {
        return refuse(socket, .unavailable("This node takes no further connections."))
      }
      let client = MessagingClient(socket, principal: principal, endpoint: endpoint)
      socket.accept(client)
      client.begin(SubscribeRequest(after: credentials.after, epoch: credentials.epoch))
    }
  }

  private static func refuse(_ socket: Socket, _ problem: ProblemDocument) {
    socket.refuse(problem.code, data: problem.json)
  }
}
