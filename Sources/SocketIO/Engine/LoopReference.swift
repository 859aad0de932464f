// A reference to what lives on an event loop, for those who do not.

internal import NIOCore

struct LoopReference<Value>: Sendable {
  private let bound: NIOLoopBound<Value>

  /// To be made on the loop.
  init(_ value: Value, on eventLoop: any EventLoop) { bound = NIOLoopBound(value, eventLoop: eventLoop) }

  /// Runs `body` on the loop: at once where that is here, else later, in the order of calls.
  func run(_ body: @escaping @Sendable (Value) -> Void) {
    if bound.eventLoop.inEventLoop {
      body(bound.value)
    } else {
      bound.eventLoop.execute { body(bound.value) }
    }
  }
}
