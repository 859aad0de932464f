// Connecting, with a deadline on every wait.

import CLibpq

extension Connection {
  /// Connects (again), within the configuration's `connectTimeout` and the deadline.
  ///
  /// - Throws: `.unavailable` when no session could be made (without a SQLSTATE: libpq keeps it to itself here),
  ///   `.deadlineExceeded`, `.cancelled`, `.invalidConfiguration`.
  public func open() throws(PostgresError) {
    close()
    let parameters = try configuration.connectionParameters()
    let limit = min(deadline, .now + configuration.connectTimeout)
    guard let handle = start(parameters) else { throw PostgresError(.unavailable, "libpq is out of memory") }
    do throws(PostgresError) {
      try finishConnecting(handle, until: limit)
      try checkEncoding(handle)
    } catch {
      PQfinish(handle)
      throw error
    }
    // Notices would go to stderr otherwise. The handle does not outlive `self`: `close` frees it.
    PQsetNoticeReceiver(
      handle,
      { context, result in
        guard let context, let result, PostgresError.isFatal(result) else { return }
        Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().hasSaidGoodbye = true
      }, Unmanaged.passUnretained(self).toOpaque())
    self.handle = handle
  }

  /// Opens the connection unless it is open and alive.
  public func ensureOpen() throws(PostgresError) {
    if isStale { try open() }
  }

  private func start(_ parameters: [(keyword: String, value: String)]) -> OpaquePointer? {
    let words = parameters.map { $0.keyword.utf8CString }
    let values = parameters.map { $0.value.utf8CString }
    // Null-terminated arrays of C strings that live in one buffer each.
    return withCStrings(words) { keywords in
      withCStrings(values) { values in PQconnectStartParams(keywords, values, 0) }
    }
  }

  private func withCStrings<Result>(
    _ strings: [ContiguousArray<CChar>], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
  ) -> Result {
    let joined = strings.flatMap(\.self)
    return joined.withUnsafeBufferPointer { buffer in
      var pointers: [UnsafePointer<CChar>?] = []
      var offset = 0
      for string in strings {
        pointers.append(buffer.baseAddress.map { $0 + offset })
        offset += string.count
      }
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { list in
        // Never nil: the list holds its terminator at least.
        body(list.baseAddress!)
      }
    }
  }

  private func finishConnecting(
    _ handle: OpaquePointer, until limit: ContinuousClock.Instant
  ) throws(PostgresError) {
    // libpq asks to be treated as if it had answered "writing" at first.
    var wanted = PGRES_POLLING_WRITING
    while wanted != PGRES_POLLING_OK {
      if wanted == PGRES_POLLING_FAILED || PQstatus(handle) == CONNECTION_BAD {
        throw PostgresError(.unavailable, "cannot connect: " + String(cString: PQerrorMessage(handle)).trimmed)
      }
      let writing = wanted == PGRES_POLLING_WRITING
      switch SocketWait.wait(
        for: PQsocket(handle), read: !writing, write: writing, until: limit, interrupt: interrupt)
      {
      case .ready: break
      case .expired where deadline.hasPassed:
        throw PostgresError(.deadlineExceeded, "cannot connect: no answer before the deadline")
      case .expired:
        throw PostgresError(.unavailable, "cannot connect: no answer within \(configuration.connectTimeout)")
      case .interrupted:
        throw PostgresError(.cancelled, "cancelled while connecting")
      }
      wanted = PQconnectPoll(handle)
    }
    guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
      throw PostgresError(.unavailable, "cannot set up: " + String(cString: PQerrorMessage(handle)).trimmed)
    }
  }

  /// The client speaks UTF-8 only, and only a UTF8 database checks it.
  private func checkEncoding(_ handle: OpaquePointer) throws(PostgresError) {
    let encoding = PQparameterStatus(handle, "server_encoding").map { String(cString: $0) } ?? "unknown"
    if encoding != "UTF8" {
      throw PostgresError(.invalidConfiguration, "the database's encoding is \(encoding); it must be UTF8")
    }
  }
}
