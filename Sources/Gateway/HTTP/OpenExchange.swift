// One exchange with a provider whose answer is read as it comes.

import AsyncHTTPClient
import ChannelProtocol
import HTTPTypes
import NIOCore
import NIOHTTP1
import Synchronization

/// Stands between the client, which brings pieces of the answer, and their reader, who takes one at a time: as long as
/// one waits to be taken, nothing more is read from the provider's socket.
final class OpenExchange: HTTPClientResponseDelegate, NIOAsyncSequenceProducerDelegate {
  typealias Response = Void
  typealias Pieces = NIOThrowingAsyncSequenceProducer<
    ByteBuffer, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, OpenExchange
  >

  private struct State {
    /// Whoever waits for the head.
    var head: CheckedContinuation<OpenAnswer, any Error>?
    var task: HTTPClient.Task<Void>?
    var isCancelled = false
    /// Where pieces go, from the head on.
    var source: Pieces.Source?
    /// Kept until there is room for a further piece.
    var room: EventLoopPromise<Void>?
    var alarm: Scheduled<Void>?
  }

  private let state: Mutex<State>
  private let deadlines: TransferDeadlines
  /// What an error of the client's means.
  private let failure: @Sendable (any Error) -> TransportFailure

  private init(deadlines: TransferDeadlines, failure: @escaping @Sendable (any Error) -> TransportFailure) {
    state = Mutex(State())
    self.deadlines = deadlines
    self.failure = failure
  }

  /// Gives the answer as soon as its head is there.
  static func begin(
    _ request: HTTPClient.Request, with client: HTTPClient, deadlines: TransferDeadlines,
    failure: @escaping @Sendable (any Error) -> TransportFailure
  ) async throws -> OpenAnswer {
    let exchange = OpenExchange(deadlines: deadlines, failure: failure)
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        exchange.state.withLock { $0.head = continuation }
        exchange.began(
          client.execute(
            request: request, delegate: exchange, deadline: .now() + TimeAmount(deadlines.whole)))
      }
    } onCancel: {
      exchange.cancel()
    }
  }

  private func began(_ task: HTTPClient.Task<Void>) {
    let isCancelled = state.withLock { state in
      state.task = task
      return state.isCancelled
    }
    if isCancelled { return task.cancel() }
    // The head may be there already.
    setAlarm(task, in: deadlines.head) { $0.head != nil }
  }

  func cancel() {
    let task = state.withLock { state in
      state.isCancelled = true
      return state.task
    }
    task?.cancel()
  }

  // MARK: What the client brings

  func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
    let pieces = Pieces.makeSequence(
      backPressureStrategy: .init(lowWatermark: 1, highWatermark: 1), finishOnDeinit: true, delegate: self)
    let waiting = state.withLock { state in
      state.source = pieces.source
      defer { state.head = nil }
      return state.head
    }
    setAlarm(task, in: deadlines.pause)
    waiting?.resume(
      returning: OpenAnswer(
        response: HTTPResponse(head), body: ArrivingPieces(base: pieces.sequence, failure: failure),
        cancel: { [weak self] in self?.cancel() }))
    return task.eventLoop.makeSucceededVoidFuture()
  }

  func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
    let room = task.eventLoop.makePromise(of: Void.self)
    // Before the piece is given: its reader may ask for the next one at once.
    let source = state.withLock { state in
      state.room = room
      return state.source
    }
    switch source?.yield(buffer) {
    case .produceMore:
      setAlarm(task, in: deadlines.pause)
      giveRoom()
    // Unless its reader has been here in between.
    case .stopProducing: setAlarm(task, in: nil) { $0.room != nil }
    case .dropped, nil: giveRoom()
    }
    return room.futureResult
  }

  func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) { end(with: error) }

  func didFinishRequest(task: HTTPClient.Task<Void>) throws { end(with: nil) }

  private func end(with error: (any Error)?) {
    let (head, source, room) = state.withLock { state in
      state.alarm?.cancel()
      defer { (state.alarm, state.head, state.source, state.room, state.task) = (nil, nil, nil, nil, nil) }
      return (state.head, state.source, state.room)
    }
    room?.succeed()
    head?.resume(throwing: error ?? HTTPClientError.remoteConnectionClosed)
    if let error { source?.finish(error) } else { source?.finish() }
  }

  // MARK: What the reader does

  func produceMore() {
    giveRoom()
    // The next piece may have come already.
    if let task = state.withLock(\.task) {
      setAlarm(task, in: deadlines.pause) { $0.source != nil && $0.room == nil }
    }
  }

  /// The reader has let go of the rest, or has had it all.
  func didTerminate() { cancel() }

  private func giveRoom() {
    let room = state.withLock { state in
      defer { state.room = nil }
      return state.room
    }
    room?.succeed()
  }

  // MARK: Time

  /// - Parameter limit: nil: the reader is who is waited for.
  private func setAlarm(
    _ task: HTTPClient.Task<Void>, in limit: Duration?, if isWanted: (borrowing State) -> Bool = { $0.source != nil }
  ) {
    state.withLock { state in
      guard isWanted(state) else { return }
      state.alarm?.cancel()
      state.alarm = limit.map { limit in
        task.eventLoop.scheduleTask(in: TimeAmount(limit)) { task.fail(reason: AnswerOverdue()) }
      }
    }
  }
}

/// An answer, or a piece of it, that did not come in time.
struct AnswerOverdue: Error {}

extension HTTPResponse {
  init(_ head: HTTPResponseHead) {
    var fields = HTTPFields()
    for (name, value) in head.headers {
      if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
    }
    self.init(status: .init(code: Int(head.status.code)), headerFields: fields)
  }
}

/// An answer's body while it comes.
private struct ArrivingPieces: BodyPieces {
  typealias Element = [UInt8]
  typealias Failure = TransportFailure

  let base: OpenExchange.Pieces
  let failure: @Sendable (any Error) -> TransportFailure

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), failure: failure) }

  struct Iterator: AsyncIteratorProtocol {
    typealias Failure = TransportFailure

    let base: OpenExchange.Pieces.AsyncIterator
    let failure: @Sendable (any Error) -> TransportFailure

    mutating func next() async throws(TransportFailure) -> [UInt8]? {
      do {
        guard let buffer = try await base.next() else {
          // A reader that is cancelled is told of no end.
          try Task.checkCancellation()
          return nil
        }
        return Array(buffer.readableBytesView)
      } catch {
        throw failure(error)
      }
    }
  }
}
