// What goes wrong on purpose: a value that is consulted where a send is answered and where a callback leaves.

/// The faults that are on. Counts go down as they are used; shares stay until they are changed.
///
/// As JSON (`POST /sandbox/chaos`, the whole value each time):
/// `{"dropCallbacks":0.1,"duplicateCallbacks":0.1,"delayCallbacks":0.1,"callbackDelayMilliseconds":500,`
/// `"reorderCallbacks":0.1,"failSends":{"count":3,"status":429},"hangSends":{"count":1,"milliseconds":20000},`
/// `"failMedia":{"count":2,"status":404},"mediaLifetimeMilliseconds":5000,"changeFacts":0.1,`
/// `"stallMedia":{"count":1,"bytes":1000,"milliseconds":5000}}`
public struct Chaos: Sendable, Equatable {
  /// Share of the status callbacks, 0 to 1, that are never sent.
  public var dropCallbacks = 0.0
  /// Share that is sent twice.
  public var duplicateCallbacks = 0.0
  /// Share that is sent later, out of order with those of the same message.
  public var delayCallbacks = 0.0
  public var callbackDelay: Duration = .milliseconds(500)
  /// Share that leaves after the next one of the same message; after `callbackDelay` where there is none.
  public var reorderCallbacks = 0.0
  /// Share that tells another sender and another number of parts than the one before.
  public var changeFacts = 0.0
  /// The next sends that are answered with an error.
  public var failSends: FailingSends?
  /// The next sends that are accepted and never answered.
  public var hangSends: HangingSends?
  /// The next calls of the Content API that are answered with an error.
  public var failContent: FailingCalls?
  /// The next fetches of files that are answered with an error.
  public var failMedia: FailingMedia?
  /// The next files that stop in the middle, and go on later.
  public var stallMedia: StallingMedia?
  /// How long a file can be fetched after its message; nil: until it is deleted.
  public var mediaLifetime: Duration?

  public init() {}

  /// Sends that get an error answer.
  public struct FailingSends: Sendable, Equatable {
    public var count: Int
    /// 429, 500, 503 or any other; 503 answers HTML, as a proxy would.
    public var status: Int
    /// Whether the message is taken all the same: an error whose outcome the caller cannot know. Never with 429.
    public var accepted: Bool

    public init(count: Int, status: Int, accepted: Bool = false) {
      self.count = count
      self.status = status
      self.accepted = accepted
    }
  }

  /// Fetches of files that get an error answer; 404 is what Twilio says while a file is not there yet.
  public struct FailingMedia: Sendable, Equatable {
    public var count: Int
    public var status: Int

    public init(count: Int, status: Int = 404) {
      self.count = count
      self.status = status
    }
  }

  /// Files of which only the beginning comes at first.
  public struct StallingMedia: Sendable, Equatable {
    public var count: Int
    /// Of the beginning.
    public var bytes: Int
    public var duration: Duration

    public init(count: Int, bytes: Int = 1, duration: Duration = .seconds(20)) {
      self.count = count
      self.bytes = bytes
      self.duration = duration
    }
  }

  /// Sends that are accepted; the connection is closed without an answer after this time.
  public struct HangingSends: Sendable, Equatable {
    public var count: Int
    public var duration: Duration

    public init(count: Int, duration: Duration = .seconds(20)) {
      self.count = count
      self.duration = duration
    }
  }

  /// Calls that get an error answer.
  public struct FailingCalls: Sendable, Equatable {
    public var count: Int
    public var status: Int

    public init(count: Int, status: Int) {
      self.count = count
      self.status = status
    }
  }

  /// Decides the next call of the Content API: the status of its error, if it is to have one.
  mutating func nextContentFailure() -> Int? {
    guard var failing = failContent, failing.count > 0 else { return nil }
    failing.count -= 1
    failContent = failing.count > 0 ? failing : nil
    return failing.status
  }

  /// What happens to one send.
  enum Send: Sendable, Equatable {
    case answered
    case failed(status: Int, accepted: Bool)
    case hanging(Duration)
  }

  /// Decides the next send. Failing goes before hanging.
  mutating func nextSend() -> Send {
    if var failing = failSends, failing.count > 0 {
      failing.count -= 1
      failSends = failing.count > 0 ? failing : nil
      return .failed(status: failing.status, accepted: failing.accepted && failing.status != 429)
    }
    if var hanging = hangSends, hanging.count > 0 {
      hanging.count -= 1
      hangSends = hanging.count > 0 ? hanging : nil
      return .hanging(hanging.duration)
    }
    return .answered
  }

  /// The error that the next fetch of a file is answered with; nil: none.
  mutating func nextMedia() -> Int? {
    guard var failing = failMedia, failing.count > 0 else { return nil }
    failing.count -= 1
    failMedia = failing.count > 0 ? failing : nil
    return failing.status
  }

  /// How the next file stalls; nil: it does not.
  mutating func nextStall() -> StallingMedia? {
    guard var stalling = stallMedia, stalling.count > 0 else { return nil }
    stalling.count -= 1
    stallMedia = stalling.count > 0 ? stalling : nil
    return stalling
  }

  /// Whether a callback tells of another sender and other parts.
  func changesFacts(_ dice: inout some RandomNumberGenerator) -> Bool {
    changeFacts > 0 && Double.random(in: 0..<1, using: &dice) < changeFacts
  }

  /// Whether a callback waits for the next one of its message.
  func reorders(_ dice: inout some RandomNumberGenerator) -> Bool {
    reorderCallbacks > 0 && Double.random(in: 0..<1, using: &dice) < reorderCallbacks
  }

  /// The delays after which a callback leaves: none when it is dropped, two when it is doubled.
  func departures(_ dice: inout some RandomNumberGenerator) -> [Duration] {
    func hit(_ share: Double) -> Bool { share > 0 && Double.random(in: 0..<1, using: &dice) < share }
    if hit(dropCallbacks) { return [] }
    let first = hit(delayCallbacks) ? callbackDelay : .zero
    return hit(duplicateCallbacks) ? [first, first] : [first]
  }
}
