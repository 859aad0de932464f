// All senders of this node: leads those it can, and wakes their loops when there is work.

import ChannelProtocol
import Logging
import Sinks
import Storage

/// Nodes share senders by lease: one node at a time sends for a sender, so that its pace is kept and its order too.
struct SenderService: Sendable {
  let lanes: [SenderLane]
  let context: SendingContext
  let ring: EventRing
  let node: Identifier
  /// How long a lead lasts unless renewed; a dead node's senders are taken over after it.
  var leadership: Duration = .seconds(10)
  /// How long a sender may go unlooked at when nobody wakes it.
  var poll: Duration = .seconds(1)

  func run() async throws {
    let leads = SenderLeads()
    let loops = Dictionary(
      lanes.map { ($0.key, SenderLoop($0, context)) }, uniquingKeysWith: { first, _ in first })
    defer { leads.wakeAll() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await keepLeading(leads) }
      let (braked, brake) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(1_024))
      group.addTask { await wakeOnEvents(leads, brake) }
      group.addTask { for await key in braked { await loops[key]?.brake() } }
      for (key, loop) in loops {
        let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        leads.register(key, continuation)
        group.addTask { try await run(loop, key, leads, wakes) }
      }
      for lane in Dictionary(lanes.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first }).values {
        group.addTask { try await resolve(OutcomeResolver(lane, context), leads) }
      }
      try await group.waitForAll()
    }
  }

  /// Gives the leads back, so that another node need not wait for them to run out.
  func release() async {
    try? await context.store.releaseSenders(node: node)
  }

  private func keepLeading(_ leads: SenderLeads) async throws {
    let keys = lanes.map(\.key)
    while !Task.isCancelled {
      do {
        leads.set(
          try await context.store.leaseSenders(keys, node: node, until: leadership),
          until: .now + leadership * 0.8)
      } catch {
        context.logger.warning("senders cannot be leased", metadata: ["error": "\(error)"])
      }
      try await Task.sleep(for: leadership * Double.random(in: 0.25..<0.35))
    }
  }

  /// A message queued on any node is an event; the ring tells it to all.
  /// What a provider says of a message by callback reaches any node: its sender is braked on all.
  func wakeOnEvents(_ leads: SenderLeads, _ brake: AsyncStream<String>.Continuation) async {
    let keys = Dictionary(
      context.directory.channels.map { channel in (channel.id, channel.senders.map(channel.senderKey)) },
      uniquingKeysWith: { first, _ in first })
    let directory = context.directory
    await ring.follow { events in
      for event in events {
        switch event.event.type {
        case .messageQueued: for key in event.event.channel.flatMap({ keys[$0] }) ?? [] { leads.wake(key) }
        case .messageStatus: for key in SenderBrake.senderKeys(event, in: directory) { brake.yield(key) }
        default: break
        }
      }
      // The ring was set to another place: what was passed over is found by looking.
      if events.isEmpty { leads.wakeAll() }
    }
  }

  private func resolve(_ resolver: OutcomeResolver, _ leads: SenderLeads) async throws {
    while !Task.isCancelled {
      var pause = poll
      if leads.isLeading(resolver.lane.key) {
        do {
          if let due = try await resolver.work() {
            pause = min(pause, max(.milliseconds(5), due - context.clock.now()))
          }
        } catch {
          context.logger.warning("unknown outcomes wait for the database", metadata: ["error": "\(error)"])
        }
      }
      try await Task.sleep(for: pause)
    }
  }

  private func run(
    _ loop: SenderLoop, _ key: String, _ leads: SenderLeads, _ wakes: AsyncStream<Void>
  ) async throws {
    var iterator = wakes.makeAsyncIterator()
    while !Task.isCancelled {
      var pause = poll
      if leads.isLeading(key) {
        do {
          if let due = try await loop.work() { pause = min(pause, max(.milliseconds(5), due - context.clock.now())) }
        } catch {
          context.logger.warning("a sender waits for the database", metadata: ["error": "\(error)"])
        }
      }
      // One wake-up is kept while the loop works, so none is missed.
      let alarm = Task { [pause] in
        try await Task.sleep(for: pause)
        leads.wake(key)
      }
      _ = await iterator.next()
      alarm.cancel()
    }
  }
}
