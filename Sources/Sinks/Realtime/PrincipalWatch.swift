// Connections end with the key they live on, on every node and within a moment.

internal import ChannelProtocol
internal import Logging

/// Follows the revocations, and looks at every key again now and then: a hint may be lost.
struct PrincipalWatch: Sendable {
  let hub: RealtimeHub
  let gateway: any RealtimeGateway
  let revocations: PrincipalRevocations
  let logger: Logger
  /// The time between two looks at all keys.
  var interval = Duration.seconds(30)

  /// Runs until the task is cancelled.
  func run() async {
    // What is still waiting when another comes is a look at everything: it covers both.
    let (looks, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let following = revocations.follow { revocation in
      switch revocation {
      case .key(let id): hub.revoke([id])
      case .unknown: continuation.yield()
      }
    }
    await withDiscardingTaskGroup { group in
      group.addTask {
        while (try? await Task.sleep(for: interval)) != nil { continuation.yield() }
        continuation.finish()
      }
      group.addTask { for await _ in looks { await lookAtAll() } }
    }
    revocations.end(following)
  }

  private func lookAtAll() async {
    for key in await hub.keys() {
      do {
        let principal = try await gateway.principal(key)
        if principal?.canRead != true { hub.revoke([key]) }
      } catch {
        // Whether it is good is not known: at the next look, then.
        logger.debug("a key could not be looked at", metadata: ["error": "\(error)"])
        return
      }
    }
  }
}
