// A server where the sandbox's webhooks arrive.

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

@testable import TwilioSandbox

/// A server that keeps the webhooks it gets.
final class WebhookReceiver: Sendable {
  struct Webhook: Sendable {
    var url: String
    var headers: [String: String]
    var form: FormFields

    var status: String? { form["MessageStatus"] }
    /// Signed for the URL it came to, with this token.
    func isSigned(_ token: String = SandboxAccount.defaultAuthToken) -> Bool {
      headers["x-twilio-signature"] == WebhookSignature.make(url: url, form: form, authToken: token)
    }
  }

  private struct State: Sendable {
    var webhooks: [Webhook] = []
    var answers: [Int] = []
  }

  private let state = Mutex(State())
  private let address = BoundAddress()

  var webhooks: [Webhook] { state.withLock { $0.webhooks } }

  /// The next requests are answered with these statuses, then 200 again.
  func answer(_ statuses: Int...) { state.withLock { $0.answers = statuses } }

  /// Runs the server for the time of the operation, which gets its base URL.
  static func withRunning<Value: Sendable>(
    _ operation: (WebhookReceiver, String) async throws -> Value
  ) async throws -> Value {
    let receiver = WebhookReceiver()
    let router = Router()
    router.post("**") { request, _ in try await receiver.receive(request) }
    var logger = Logger(label: "receiver")
    logger.logLevel = .critical
    let application = Application(
      router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { receiver.address.open("http://127.0.0.1:\($0.localAddress?.port ?? 0)") }, logger: logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try? await application.run() }
      defer { group.cancelAll() }
      return try await operation(receiver, try await receiver.address.wait())
    }
  }

  private func receive(_ request: Request) async throws -> Response {
    let body = try await request.body.collect(upTo: 1 << 20)
    let headers = request.headers.map { ($0.name.canonicalName, $0.value) }
    let webhook = Webhook(
      url: (address.current ?? "") + request.uri.string,
      headers: Dictionary(headers, uniquingKeysWith: { first, _ in first }),
      form: FormFields(decoding: String(buffer: body)))
    let status = state.withLock { state in
      state.webhooks.append(webhook)
      return state.answers.isEmpty ? 200 : state.answers.removeFirst()
    }
    return Response(
      status: .init(code: status), headers: [.contentType: "text/xml"],
      body: .init(byteBuffer: ByteBuffer(string: "<Response/>")))
  }

  /// Waits for that many webhooks.
  func wait(_ count: Int) async throws -> [Webhook] {
    try await until("\(count) webhooks") { webhooks.count >= count }
    return webhooks
  }
}
