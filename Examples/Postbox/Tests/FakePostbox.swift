// Postbox itself, as far as the test needs it: takes letters, and remembers them.

import ChannelProtocol
import Foundation
import Hummingbird
import Logging
import NIOCore
import Synchronization

final class FakePostbox: Sendable {
  private let taken = Mutex<[JSONValue]>([])

  /// What was posted, oldest first.
  var letters: [JSONValue] { taken.withLock { $0 } }

  /// Listens until `body` returns, which gets its base URL.
  func run(_ body: @escaping @Sendable (String) async throws -> Void) async throws {
    let router = Router()
    router.post("/letters") { request, _ in
      let bytes = try await request.body.collect(upTo: 1 << 16)
      let letter = try JSONDecoder().decode(JSONValue.self, from: Data(bytes.readableBytesView))
      let id = self.taken.withLock { letters in
        letters.append(letter)
        return "L\(letters.count)"
      }
      return Response(
        status: .accepted, headers: [.contentType: "application/json"],
        body: .init(byteBuffer: ByteBuffer(string: #"{"id":"\#(id)"}"#)))
    }
    let (listening, continuation) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) },
      logger: Logger(label: "postbox") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await application.run()
      }
      group.addTask {
        guard let port = await listening.first(where: { _ in true }) else { return }
        try await body("http://127.0.0.1:\(port)")
      }
      try await group.next()
      group.cancelAll()
      try? await group.waitForAll()
    }
  }
}
