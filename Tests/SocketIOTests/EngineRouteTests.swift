// What requests ask for, and which of several faults they are told of: the reference server's order.

import HTTPTypes
import Testing

@testable import SocketIO

@Suite struct EngineRouteTests {
  static func route(_ method: HTTPRequest.Method, _ query: String) -> EngineRoute {
    EngineRoute(
      HTTPRequest(method: method, scheme: "http", authority: "localhost", path: "/engine.io/?" + query),
      EngineConfiguration())
  }

  @Test("the version is asked for when a session begins, and only where nothing else is wrong")
  func order() {
    #expect(Self.route(.get, "EIO=3&transport=polling") == .refuse(.unsupportedVersion))
    #expect(Self.route(.get, "transport=polling") == .refuse(.unsupportedVersion))
    #expect(Self.route(.post, "EIO=3&transport=polling") == .refuse(.badHandshakeMethod))
    #expect(Self.route(.get, "EIO=3&transport=pigeon") == .refuse(.unknownTransport))
    #expect(Self.route(.get, "EIO=3&transport=websocket") == .refuse(.badRequest))
    // Whether there is such a session is told by the server.
    #expect(Self.route(.get, "EIO=3&transport=polling&sid=x") == .poll(session: "x"))
    #expect(Self.route(.get, "EIO=4&transport=polling") == .open)
  }
}
