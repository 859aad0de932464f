// What the answers to one batch have in common: those that belong to the same thread go there in one hop.

import Synchronization

/// The completions that a lane calls in a row, after a batch. Work that one of them leaves here is handed over when the
/// last has been called: once to each place, so that the place wakes up once, and the lane goes on to its next batch.
public final class AnswerRound: Sendable {
  public typealias Work = @Sendable () -> Void

  /// The round that the caller is in; nil where its answer comes by itself.
  @TaskLocal public static var current: AnswerRound?

  private struct Place {
    let id: ObjectIdentifier
    let handOver: @Sendable (@escaping Work) -> Void
    var work: [Work]
  }

  private let places = Mutex<[Place]>([])

  init() {}

  /// Leaves work for the end of the round.
  ///
  /// - Parameters:
  ///   - place: the identity of the object that stands for the place.
  ///   - handOver: has what it is given run there.
  public func leave(
    _ work: @escaping Work, for place: ObjectIdentifier, handOver: @escaping @Sendable (@escaping Work) -> Void
  ) {
    places.withLock { places in
      // One for each event loop: they are few.
      if let index = places.firstIndex(where: { $0.id == place }) {
        places[index].work.append(work)
      } else {
        places.append(Place(id: place, handOver: handOver, work: [work]))
      }
    }
  }

  /// Calls `body`, and then hands over what was left.
  static func run(_ body: () -> Void) {
    let round = AnswerRound()
    $current.withValue(round, operation: body)
    for place in round.places.withLock({ $0 }) {
      let work = place.work
      place.handOver { for work in work { work() } }
    }
  }
}
