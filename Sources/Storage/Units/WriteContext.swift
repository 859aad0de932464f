// What every unit of work is given.

import ChannelProtocol

struct WriteContext: Sendable {
  let resources: ResourceContext
  let clock: any WallClock
  /// Told what a unit has committed.
  let commits: CommitFeed
  /// Told what a unit has written that can be searched for.
  let unsorted = UnsortedTexts()
}
