// The window on the newest events: what it holds, what it says of what it does not, and who is told.

import ChannelProtocol
import NIOCore
import Synchronization
import SocketIO
import Testing

@testable import Sinks

@Suite struct RealtimeRingTests {
  static let epoch = RealtimeTestServer.epoch

  static func ring(_ capacity: Int = 100, bytes: Int = 1 << 20, at seq: Int64 = 0) -> EventRing {
    EventRing(capacity: capacity, byteLimit: bytes, position: LogPosition(epoch: epoch, seq: seq))
  }

  static func numbers(_ reading: EventRing.Reading) -> [Int64] {
    if case .events(let events) = reading { events.map(\.seq) } else { [] }
  }

  @Test("a reader gets what comes after its place, in order and no more than it asked for")
  func reads() {
    let ring = Self.ring()
    ring.append([2, 3, 7, 8, 20].map { RealtimeTestServer.event($0) })
    #expect(Self.numbers(ring.read(after: 0, limit: 10)) == [2, 3, 7, 8, 20])
    #expect(Self.numbers(ring.read(after: 3, limit: 2)) == [7, 8])
    #expect(Self.numbers(ring.read(after: 5, limit: 1)) == [7])
    #expect(Self.numbers(ring.read(after: 19, limit: 9)) == [20])
    #expect(ring.read(after: 20, limit: 9) == .caughtUp)
    #expect(ring.read(after: 99, limit: 9) == .caughtUp)
  }

  @Test("who is behind what the ring holds is told from where it holds everything")
  func behind() {
    let ring = Self.ring(3, at: 10)
    #expect(ring.read(after: 9, limit: 1) == .behind(oldest: 10))
    ring.append((11...20).map { RealtimeTestServer.event($0) })
    #expect(ring.read(after: 16, limit: 1) == .behind(oldest: 17))
    #expect(Self.numbers(ring.read(after: 17, limit: 9)) == [18, 19, 20])
    #expect(ring.bounds == EventLogBounds(epoch: Self.epoch, oldest: 17, newest: 20))
  }

  @Test("memory is bounded too, and the newest event is kept whatever its size")
  func bytes() {
    let ring = Self.ring(1_000, bytes: 20_000)
    ring.append((1...50).map { RealtimeTestServer.event($0, size: 1_000) })
    let held = Self.numbers(ring.read(after: ring.bounds.oldest, limit: 100))
    #expect(held.last == 50)
    #expect((2...19).contains(held.count))
    ring.append([RealtimeTestServer.event(51, size: 100_000)])
    #expect(Self.numbers(ring.read(after: ring.bounds.oldest, limit: 100)) == [51])
  }

  @Test("events that were appended before are not appended again")
  func repeats() {
    let ring = Self.ring()
    ring.append((1...5).map { RealtimeTestServer.event($0) })
    ring.append((3...7).map { RealtimeTestServer.event($0) })
    ring.append((1...2).map { RealtimeTestServer.event($0) })
    #expect(Self.numbers(ring.read(after: 0, limit: 100)) == [1, 2, 3, 4, 5, 6, 7])
    #expect(ring.position == LogPosition(epoch: Self.epoch, seq: 7))
  }

  @Test("a reset empties the ring, and a place of the old epoch is known as such")
  func reset() {
    let ring = Self.ring()
    ring.append([RealtimeTestServer.event(1)])
    let other = LogPosition(epoch: Identifier(high: 5, low: 5), seq: 40)
    ring.reset(position: other)
    #expect(ring.position == other)
    #expect(ring.read(after: LogPosition(epoch: Self.epoch, seq: 40), limit: 1) == nil)
    #expect(ring.read(after: other, limit: 1) == .caughtUp)
    #expect(ring.read(after: 1, limit: 1) == .behind(oldest: 40))
  }

  @Test("the frame holds the event's JSON behind a header that says its length", arguments: [0, 60, 70_000])
  func encoding(size: Int) throws {
    let event = RealtimeTestServer.event(5, size: size)
    let encoded = EncodedEvent(event)
    var writer = JSONWriter()
    event.write(to: &writer)
    #expect(encoded.data == event.data)
    #expect(encoded.json == writer.bytes)
    #expect(Array(encoded.jsonBuffer.readableBytesView) == writer.bytes)
    let payload = Array(#"{"type":"event","event":"#.utf8) + writer.bytes + Array("}".utf8)
    var expected: [UInt8] = [0x81]
    if payload.count <= 0xFFFF {
      expected += [126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    } else {
      expected += [127, 0, 0, 0, 0, 0, UInt8(payload.count >> 16), UInt8(payload.count >> 8 & 0xFF)]
      expected += [UInt8(payload.count & 0xFF)]
    }
    #expect(Array(encoded.webSocketFrame.readableBytesView) == expected + payload)
    #expect(encoded.memoryCost >= encoded.webSocketFrame.capacity)
    // Once the frame is there, it is what holds the data.
    #expect(encoded.whole == event)
    #expect(encoded.withData { Array($0) } == event.data)
    #expect(encoded == EncodedEvent(event))
  }

  @Test("however many ask for it at once, the frame is made a single time, and the data can be read meanwhile")
  func makingOnce() async {
    for seq in Int64(1)...200 {
      let event = RealtimeTestServer.event(seq, size: 100)
      let encoded = EncodedEvent(event)
      let places = await withTaskGroup(of: Int?.self) { group in
        for reader in 0..<8 {
          group.addTask {
            if reader % 2 == 0 { return encoded.data == event.data ? nil : 0 }
            return encoded.webSocketFrame.withUnsafeReadableBytes { Int(bitPattern: $0.baseAddress) }
          }
        }
        return await group.reduce(into: Set<Int>()) { places, place in if let place { places.insert(place) } }
      }
      #expect(places.count == 1 && !places.contains(0))
    }
  }

  @Test("many events at once are the same as one by one, however long their data", arguments: [0, 900, 20_000, 70_000])
  func manyAtOnce(size: Int) {
    let events = (Int64(1)...70).map { RealtimeTestServer.event($0, size: Int($0) % 3 * size) }
    let encoded = EncodedEvent.encode(events[...])
    #expect(encoded.map(\.whole) == events)
    for event in encoded where event.seq % 2 == 0 { _ = event.webSocketFrame }
    #expect(encoded.map(\.whole) == events)
    #expect(encoded == events.map { EncodedEvent($0) })
  }

  @Test("what follows on what is held is added; what leaves something out is not")
  func extending() {
    let ring = Self.ring(at: 10)
    #expect(ring.extend([RealtimeTestServer.event(11), RealtimeTestServer.event(12)]))
    #expect(!ring.extend([RealtimeTestServer.event(14)]))
    #expect(ring.position.seq == 12)
    #expect(ring.extend([RealtimeTestServer.event(12), RealtimeTestServer.event(13)]), "a part is held already")
    #expect(ring.extend([RealtimeTestServer.event(9)]), "all of it is held already")
    #expect(Self.numbers(ring.read(after: 10, limit: 10)) == [11, 12, 13])
  }

  @Test("a signal comes at once and after every change; an observer hears until it is removed")
  func wakeUps() async {
    let ring = Self.ring()
    var signals = ring.signals().makeAsyncIterator()
    #expect(await signals.next() != nil)
    let heard = Mutex<[[Int64]]>([])
    let observation = ring.observe { events in heard.withLock { $0.append(events.map(\.seq)) } }
    ring.append([RealtimeTestServer.event(1)])
    #expect(await signals.next() != nil)
    ring.append([RealtimeTestServer.event(1)])
    ring.append([RealtimeTestServer.event(1), RealtimeTestServer.event(2)])
    ring.reset(position: ring.position)
    ring.remove(observation)
    ring.append([RealtimeTestServer.event(3)])
    #expect(heard.withLock { $0 } == [[1], [2], []])
  }

  @Test("readers on other threads see every event once, while events come and fall out")
  func concurrency() async {
    let ring = Self.ring(5_000)
    let last: Int64 = 4_000
    let logs = await withTaskGroup(of: [Int64].self) { group in
      for _ in 0..<4 {
        group.addTask {
          var seen: [Int64] = []
          for await _ in ring.signals() {
            while case .events(let events) = ring.read(after: seen.last ?? 0, limit: 37) {
              seen.append(contentsOf: events.map(\.seq))
            }
            if seen.last == last { break }
          }
          return seen
        }
      }
      group.addTask {
        for start in stride(from: Int64(1), to: last, by: 16) {
          ring.append((start..<min(start + 16, last + 1)).map { RealtimeTestServer.event($0) })
          await Task.yield()
        }
        return []
      }
      return await group.reduce(into: [[Int64]]()) { if !$1.isEmpty { $0.append($1) } }
    }
    #expect(logs == Array(repeating: Array(1...last), count: 4))
  }
}
