// What a sandbox is started with.

public import Logging

/// The settings of a sandbox. Every default suits a laptop; tests set port 0 and `Timings.instant`.
public struct SandboxConfiguration: Sendable {
  /// Where the sandbox listens. Port 0 takes a free one; see ``Sandbox/started()``.
  public var host = "127.0.0.1"
  public var port = 0
  /// Accounts that may sign in. The first one is used where a control request names none.
  public var accounts: [SandboxAccount]
  /// How fast a message goes through its life.
  public var timings = Timings()
  /// How webhooks are delivered.
  public var delivery = Delivery()
  /// The newest messages are kept, older ones are forgotten (with their media).
  public var messageLimit = 100_000
  /// Bytes of media that are kept; the oldest go first.
  public var mediaLimit = 64 << 20
  /// Webhook deliveries that are remembered for `GET /sandbox/messages`; the oldest go first.
  public var deliveryLogLimit = 10_000
  /// Whether free-form WhatsApp messages fail with 63016 unless the person wrote within 24 hours. Off by default: a
  /// restarted sandbox has forgotten who wrote, the gateway in front of it has not.
  public var enforcesWhatsAppWindow = false
  /// The shortest time ahead for `SendAt`. Twilio: 300 s.
  public var shortestSchedule: Duration = .seconds(300)
  /// Whether media files refuse a second kind of credentials, as S3 behind Twilio does (400). Off by default: at
  /// Twilio the file is on another host, here clients rightly keep their credentials when they follow the redirect.
  public var contentRefusesCredentials = false
  /// What goes wrong from the start; changed at run time by `POST /sandbox/chaos`.
  public var chaos = Chaos()
  /// Seeds the dice of ``Chaos``, so that a run can be repeated; nil: random.
  public var seed: UInt64?
  public var logger: Logger

  public init(
    host: String = "127.0.0.1", port: Int = 0, accounts: [SandboxAccount] = [SandboxAccount()],
    timings: Timings = Timings(), logger: Logger = Logger(label: "fractal.sandbox")
  ) {
    self.host = host
    self.port = port
    self.accounts = accounts
    self.timings = timings
    self.logger = logger
  }

  /// How long a message stays in each status before the next one.
  public struct Timings: Sendable, Equatable {
    /// From `accepted` to `queued` (Messaging Service sends).
    public var queued: Duration = .milliseconds(5)
    public var sending: Duration = .milliseconds(5)
    public var sent: Duration = .milliseconds(10)
    public var delivered: Duration = .milliseconds(20)
    /// WhatsApp and RCS; nil: nobody sends read receipts.
    public var read: Duration? = .milliseconds(50)

    public init() {}

    /// No waiting at all.
    public static var instant: Timings {
      var timings = Timings()
      timings.queued = .zero
      timings.sending = .zero
      timings.sent = .zero
      timings.delivered = .zero
      timings.read = .zero
      return timings
    }
  }

  /// Limits for outgoing webhooks.
  public struct Delivery: Sendable, Equatable {
    /// Webhooks waiting; a full queue refuses the newest, and its log entry says so.
    public var queueLimit = 20_000
    /// Requests at the same time. Those of one message always go one after the other.
    public var concurrency = 64
    /// Twilio's defaults: 5 s to connect, 15 s in total, retries included.
    public var connectTimeout: Duration = .seconds(5)
    public var totalTimeout: Duration = .seconds(15)

    public init() {}
  }
}

/// An account of the sandbox: what it signs in with, its senders, and where its webhooks go.
public struct SandboxAccount: Sendable, Equatable {
  /// `AC` and 32 hex digits.
  public var sid: String
  /// Signs webhooks, and signs in.
  public var authToken: String
  /// Signs in until it is promoted (``Sandbox/promoteToken(account:)``), never signs before.
  public var secondaryAuthToken: String?
  /// API keys (`SK…` to secret): sign in, never sign webhooks.
  public var apiKeys: [String: String]
  /// Addresses the account may send from, as they stand in `From`: `+15005550006`, `whatsapp:+14155238886`.
  public var senders: [String]
  /// Messaging Services and the senders in their pools; empty: any `MG…` is taken, and has all senders.
  public var services: [String: [String]] = [:]
  public var webhooks: SandboxWebhooks

  public init(
    sid: String = SandboxAccount.defaultSID, authToken: String = SandboxAccount.defaultAuthToken,
    secondaryAuthToken: String? = nil, apiKeys: [String: String] = [:],
    senders: [String] = SandboxAccount.defaultSenders,
    webhooks: SandboxWebhooks = SandboxWebhooks()
  ) {
    self.sid = sid
    self.authToken = authToken
    self.secondaryAuthToken = secondaryAuthToken
    self.apiKeys = apiKeys
    self.senders = senders
    self.webhooks = webhooks
  }

  /// The account that exists when none is configured.
  public static let defaultSID = "AC" + String(repeating: "5a4db0c5", count: 4)
  /// Its token; worthless outside a sandbox.
  public static let defaultAuthToken = String(repeating: "0ff1ce5a", count: 4)
  /// Twilio's test number, for every phone channel, and its WhatsApp sandbox number.
  public static let defaultSenders = ["+15005550006", "whatsapp:+14155238886", "whatsapp:+15005550006"]
}

/// Where an account's webhooks go. URLs may carry connection overrides in their fragment (`#rc=2&rp=all`).
public struct SandboxWebhooks: Sendable, Equatable {
  /// Incoming messages of every sender without an entry in `incomingByAddress`; nil: they are only stored.
  public var incoming: String?
  /// Status callbacks of messages that name no `StatusCallback` (a service's or a sender's setting at Twilio).
  public var status: String?
  /// Incoming messages by our address, or by its prefix (`whatsapp:`); the exact address goes first.
  public var incomingByAddress: [String: String]

  public init(incoming: String? = nil, status: String? = nil, incomingByAddress: [String: String] = [:]) {
    self.incoming = incoming
    self.status = status
    self.incomingByAddress = incomingByAddress
  }

  /// The URL for a message to this address of ours.
  func incoming(to address: String) -> String? {
    incomingByAddress[address] ?? incomingByAddress[Address(address).prefix] ?? incoming
  }
}
