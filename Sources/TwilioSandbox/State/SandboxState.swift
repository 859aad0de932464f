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
  /// Callbacks that wait for the next one of their message.
  private var held: [String: OutgoingWebhook] = [:]
  private var dice: Dice
  var optOuts: Set<OptOut.Pair> = []
  /// When a person last wrote on WhatsApp.
  var lastInbound: [OptOut.Pair: UTCTime] = [:]
  var pool: SenderPool

  /// What the timeline holds.
  private enum Due: Sendable {
    case step(sid: String, MessageLife.Step)
    case webhook(OutgoingWebhook)
    /// A held one whose next has not come.
    case release(sid: String)
  }

  init(_ configuration: SandboxConfiguration) {
    self.configuration = configuration
    accounts = configuration.accounts
    log = MessageLog(limit: configuration.messageLimit)
    media = MediaStore(limit: configuration.mediaLimit)
    templates = TemplateStore(accounts: configuration.accounts.map(\.sid))
    chaos = configuration.chaos
    pool = SenderPool(limit: configuration.messageLimit)
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
      case .release(let sid): if let webhook = held.removeValue(forKey: sid) { webhooks.append(webhook) }
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
    var form = StatusCallbackForm.make(message, now: now)
    if chaos.changesFacts(&dice) {
      StatusCallbackForm.change(&form, of: message, senders: account.senders, with: &dice)
    }
    let webhook = OutgoingWebhook(
      kind: .status, messageSID: message.sid, status: message.status, url: url, authToken: account.authToken,
      form: form)
    var immediate: [OutgoingWebhook] = []
    for delay in chaos.departures(&dice) {
      if delay > .zero { timeline.insert(.webhook(webhook), at: now + delay) } else { immediate.append(webhook) }
    }
    if let earlier = held.removeValue(forKey: message.sid) {
      immediate.append(earlier)
    } else if !immediate.isEmpty, chaos.reorders(&dice) {
      held[message.sid] = immediate.removeLast()
      timeline.insert(.release(sid: message.sid), at: now + chaos.callbackDelay)
    }
    return immediate
  }

  /// Applies a step, unless the message was canceled or deleted meanwhile.
  private mutating func take(_ step: MessageLife.Step, sid: String, now: UTCTime) -> [OutgoingWebhook] {
    guard let before = log[sid], before.status != .canceled else { return [] }
    let sender = step.status == .queued ? chosenSender(for: before) : nil
    let changed = log.update(sid) { message -> SandboxMessage in
      message.status = step.status
      message.errorCode = step.errorCode
      message.updated = now
      if step.status == .queued { Self.setSender(&message, sender) }
      if step.status == .sent { message.sent = now }
      if step.status == .delivered { message.price = Self.price(message) }
      return message
    }
    guard let message = changed else { return [] }
    scheduleStep(after: message, now: now)
    return callbacks(for: message, now: now)
  }

  private mutating func chosenSender(for message: SandboxMessage) -> String? {
    guard message.from == nil, let service = message.messagingServiceSID, let account = account(message.accountSID)
    else { return nil }
    let channel = Address(message.to).channel
    return pool.sender(
      of: service, to: message.to, among: account.pool(of: service).filter { Address($0).channel == channel })
  }

  /// A Messaging Service takes a sender of the channel; without one the message fails.
  private static func setSender(_ message: inout SandboxMessage, _ sender: String?) {
    message.segments = Address(message.to).channel == .sms ? Segments.count(message.body) : 1
    guard message.from == nil else { return }
    message.from = sender
    if sender == nil { message.outcome = .failed(21703) }
  }

  private static func price(_ message: SandboxMessage) -> Int {
    if Address(message.to).channel != .sms { return -500 }
    return message.media.isEmpty ? -830 * message.segments : -2000
  }
}
