// How reports make one state.

import ChannelProtocol
import Testing

@Suite("Status projection")
struct StatusProjectionTests {
  private static func report(
    _ status: DeliveryStatus?, at seconds: Int64 = 100, source: StatusReport.Source = .callback, error: String? = nil,
    message: String? = nil
  ) -> StatusReport {
    StatusReport(
      status: status, providerStatus: status?.rawValue ?? "something_new", at: Timestamp(seconds: seconds),
      source: source, errorCode: error, errorMessage: message)
  }

  private static func projected(_ reports: [StatusReport], from status: DeliveryStatus = .accepted) -> StatusProjection
  {
    var projection = StatusProjection(status: status)
    for report in reports { projection.apply(report) }
    return projection
  }

  @Test("a report moves the status up and never down, for each pair of statuses")
  func monotone() {
    for from in DeliveryStatus.allCases {
      for to in DeliveryStatus.allCases {
        var projection = StatusProjection(status: from)
        let moved = projection.apply(Self.report(to))
        #expect(projection.status.rank >= from.rank, "\(from) then \(to)")
        #expect(moved == (projection.status != from), "\(from) then \(to)")
        if to.rank > from.rank, from != .received { #expect(projection.status == to, "\(from) then \(to)") }
        if from == .received || to == .received { #expect(projection == StatusProjection(status: from)) }
      }
    }
  }

  @Test(
    "of two contradicting finals the stronger stands, and the provider is to be asked",
    arguments: [
      (.undelivered, .delivered, .delivered), (.failed, .delivered, .delivered), (.failed, .undelivered, .undelivered),
      (.canceled, .failed, .failed), (.canceled, .delivered, .delivered),
    ] as [(DeliveryStatus, DeliveryStatus, DeliveryStatus)])
  func contradiction(one: DeliveryStatus, other: DeliveryStatus, stands: DeliveryStatus) {
    for order in [[one, other], [other, one], [one, other, one]] {
      let projection = Self.projected(order.map { Self.report($0) })
      #expect(projection.status == stands)
      #expect(projection.isContradicted && !projection.isSettled)
    }
    #expect(!Self.projected([Self.report(one), Self.report(one)]).isContradicted)
  }

  @Test("the provider's own answer settles a contradiction, and later callbacks no longer stir it")
  func settling() {
    let contradicted = [Self.report(.delivered), Self.report(.undelivered, error: "30003")]
    var projection = Self.projected(contradicted + [Self.report(.undelivered, source: .poll, error: "30003")])
    #expect(projection.status == .undelivered && projection.isSettled && projection.errorCode == "30003")
    let moved = projection.apply(Self.report(.delivered))
    #expect(!moved)
    #expect(projection.status == .undelivered)
    let confirmed = Self.projected(contradicted + [Self.report(.delivered, source: .poll)])
    #expect(confirmed.status == .delivered && confirmed.isSettled && confirmed.errorCode == nil)
  }

  @Test("a word we do not know moves nothing")
  func unknownWord() {
    #expect(Self.projected([Self.report(nil)]) == StatusProjection(status: .accepted))
  }

  @Test("an error stands only beside the failure it came with; of several the smallest number")
  func errors() {
    let failed = Self.projected([
      Self.report(.undelivered, error: "30005", message: "unknown handset"),
      Self.report(.undelivered, error: "30003", message: "unreachable"), Self.report(.undelivered, error: "100000"),
      Self.report(.undelivered),
    ])
    #expect(failed.errorCode == "30003" && failed.errorMessage == "unreachable")
    let delivered = Self.projected([Self.report(.failed, error: "30001"), Self.report(.delivered)])
    #expect(delivered.errorCode == nil && delivered.errorMessage == nil)
    #expect(Self.projected([Self.report(.sent, error: "1")]).errorCode == nil)
    let late = Self.projected([
      Self.report(.failed, error: "30001"), Self.report(.failed, error: "30001", message: "m"),
    ])
    #expect(late.errorMessage == "m")
  }

  @Test("times are those of the earliest report that implies them")
  func times() {
    let projection = Self.projected([
      Self.report(.read, at: 30), Self.report(.sent, at: 12), Self.report(.delivered, at: 20),
      Self.report(.sent, at: 10), Self.report(.read, at: 31),
    ])
    #expect(projection.status == .read)
    #expect(projection.sentAt == Timestamp(seconds: 10))
    #expect(projection.deliveredAt == Timestamp(seconds: 20))
    #expect(projection.readAt == Timestamp(seconds: 30))
  }
}
