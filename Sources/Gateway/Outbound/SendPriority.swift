// What a sender sends first.

/// Within one sender the lower goes first; a bulk of thousands never holds up an answer to somebody who waits.
enum SendPriority {
  static let single = 10
  static let bulk = 20
}
