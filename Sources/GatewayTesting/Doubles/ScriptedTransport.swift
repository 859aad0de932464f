// A provider that answers what a test has written down.

public import ChannelProtocol
public import HTTPTypes
import Synchronization

/// Answers requests from a script, in order, and keeps what was asked. Nothing leaves the process: a request beyond
/// the script fails, and is kept apart so that a test can insist that there was none.
public final class ScriptedTransport: HTTPTransport {
  /// What comes back.
  public enum Answer: Sendable {
    case response(status: Int, headers: HTTPFields = [:], body: [UInt8] = [])
    case failure(TransportFailure)

    /// An answer with a JSON body.
    public static func json(_ text: String, status: Int = 200) -> Answer {
      .response(status: status, headers: [.contentType: "application/json"], body: Array(text.utf8))
    }
  }

  /// What was asked.
  public struct Exchange: Sendable, Hashable {
    public var request: HTTPRequest
    public var body: [UInt8]
    public var deadline: Duration

    public var url: String { "\(request.scheme ?? "")://\(request.authority ?? "")\(request.path ?? "")" }
    public var text: String { String(decoding: body, as: UTF8.self) }
  }

  private struct State {
    var script: [Answer]
    var requests: [Exchange] = []
    var unscripted: [Exchange] = []
  }

  private let state: Mutex<State>

  public init(_ script: [Answer] = []) { state = Mutex(State(script: script)) }

  /// Appends to the script.
  public func script(_ answer: Answer) {
    state.withLock { $0.script.append(answer) }
  }

  /// Every request so far, oldest first.
  public var requests: [Exchange] { state.withLock { $0.requests } }

  /// Those that found the script at its end.
  public var unscripted: [Exchange] { state.withLock { $0.unscripted } }

  /// Answers that nobody has asked for yet.
  public var remaining: Int { state.withLock { $0.script.count } }

  public func send(_ request: HTTPRequest, body: [UInt8], deadline: Duration) async throws(TransportFailure)
    -> (response: HTTPResponse, body: [UInt8])
  {
    let exchange = Exchange(request: request, body: body, deadline: deadline)
    let answer: Answer? = state.withLock { state in
      state.requests.append(exchange)
      guard !state.script.isEmpty else {
        state.unscripted.append(exchange)
        return nil
      }
      return state.script.removeFirst()
    }
    switch answer {
    case .response(let status, let headers, let body):
      return (HTTPResponse(status: HTTPResponse.Status(code: status), headerFields: headers), body)
    case .failure(let failure):
      throw failure
    case nil:
      throw TransportFailure(
        mayHaveArrived: false, message: "no answer is scripted for \(request.method.rawValue) \(request.path ?? "")")
    }
  }
}
