// The request context of the sandbox's routes: it keeps the connection, which chaos may close.

import Hummingbird
import NIOCore

/// What a route knows besides the request.
struct SandboxRequestContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The client's connection.
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
  }
}
