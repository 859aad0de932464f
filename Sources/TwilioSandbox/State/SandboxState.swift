// Everything the sandbox knows, and every decision it makes: a value, with the time passed in.

import DequeModule

/// The state of all accounts. Nothing here waits or does I/O; what is to be sent comes back as a value.
struct SandboxState: Sendable {
  let configuration: SandboxConfiguration
  var accounts: [SandboxAccount]
  var log: MessageLog
  var media: MediaStore
  var templates: TemplateStore
  var chaos: Chaos
  /// Webhooks that ended, oldest first.
  private(set) var deliveries: Deque<WebhookDelivery> = []
  private var timeline = Timeline<Due>()
  private var dice: Dice
  var optOuts: Set<OptOut.Pair> = []
  /// When a person last wrote on WhatsApp.
  var lastInbound: [OptOut.Pair: UTCTime] = [:]

  /// What the timeline holds.
  private enum Due: Sendable {
    case step(sid: String, MessageLife.Step)
    case webhook(OutgoingWebhook)
  }

  init(_ configuration: SandboxConfiguration) {
    self.configuration = configuration
    accounts = configuration.accounts
    log = MessageLog(limit: configuration.messageLimit)
    media = MediaStore(limit: configuration.mediaLimit)
    templates = TemplateStore(accounts: configuration.accounts.map(\.sid))
    chaos = configuration.chaos
    dice = Dice(seed: configuration.seed)
  }

  /// Forgets messages, blocks, deliveries and chaos; accounts and their webhooks stay.
  mutating func reset() {
    let accounts = accounts
    self = SandboxState(configuration)
    self.accounts = accounts
  }

  func account(_ sid: String) -> SandboxAccount? { accounts.first { $0.sid == sid } }

  /// When ``advance(to:)`` has something to do.
  var nextDue: UTCTime? { timeline.next }

  /// Lets everything happen that is due.
  ///
  /// - Returns: the webhooks to send, in order.
  mutating func advance(to now: UTCTime) -> [OutgoingWebhook] {
    var webhooks: [OutgoingWebhook] = []
    while let due = timeline.pop(dueBy: now) {
      switch due {
      case .webhook(let webhook): webhooks.append(webhook)
      case .step(let sid, let step): webhooks += take(step, sid: sid, now: now)
      }
    }
    return webhooks
  }

  mutating func append(_ message: SandboxMessage) {
    guard let forgotten = log.append(message) else { return }
    for media in forgotten.media { self.media.remove(media.sid) }
  }

  mutating func remember(_ delivery: WebhookDelivery) {
    deliveries.append(delivery)
    if deliveries.count > configuration.deliveryLogLimit { deliveries.removeFirst() }
  }

  /// Enters the message's next step into the timeline.
  mutating func scheduleStep(after message: SandboxMessage, now: UTCTime) {
    guard
      let step = MessageLife.step(after: message.status, outcome: message.outcome, timings: configuration.timings)
    else { return }
    let due = message.status == .scheduled ? message.sendAt ?? now : now + step.delay
    timeline.insert(.step(sid: message.sid, step), at: due)
  }

  /// The callbacks that tell the message's status now; those that chaos delays are in the timeline.
  mutating func callbacks(for message: SandboxMessage, now: UTCTime) -> [OutgoingWebhook] {
    guard let account = account(message.accountSID), let url = message.statusCallback else { return [] }
    let webhook = OutgoingWebhook(
      kind: .status, messageSID: message.sid, status: message.status, url: url, authToken: account.authToken,
      form: StatusCallbackForm.make(message, now: now))
    var immediate: [OutgoingWebhook] = []
    for delay in chaos.departures(&dice) {
      if delay > .zero { timeline.insert(.webhook(webhook), at: now + delay) } else { immediate.append(webhook) }
    }
    return immediate
  }

  /// Applies a step, unless the message was canceled or deleted meanwhile.
  private mutating func take(_ step: MessageLife.Step, sid: String, now: UTCTime) -> [OutgoingWebhook] {
    guard let before = log[sid], before.status != .canceled else { return [] }
    let senders = account(before.accountSID)?.senders ?? []
    let changed = log.update(sid) { message -> SandboxMessage in
      message.status = step.status
      message.errorCode = step.errorCode
      message.updated = now
      if step.status == .queued { Self.chooseSender(&message, senders: senders) }
      if step.status == .sent { message.sent = now }
      if step.status == .delivered { message.price = Self.price(message) }
      return message
    }
    guard let message = changed else { return [] }
    scheduleStep(after: message, now: now)
    return callbacks(for: message, now: now)
  }

  /// A Messaging Service takes the first sender of the channel; without one the message fails.
  private static func chooseSender(_ message: inout SandboxMessage, senders: [String]) {
    let to = Address(message.to)
    message.segments = to.channel == .sms ? Segments.count(message.body) : 1
    guard message.from == nil else { return }
    message.from = senders.first { Address($0).channel == to.channel }
    if message.from == nil { message.outcome = .failed(21703) }
  }

  private static func price(_ message: SandboxMessage) -> Int {
    if Address(message.to).channel != .sms { return -500 }
    return message.media.isEmpty ? -830 * message.segments : -2000
  }
}
