// Messages through the REST API: create, update, delete.

extension SandboxState {
  /// What a create request came to.
  struct Creation: Sendable {
    var message: SandboxMessage
    /// What chaos has the client see.
    var answer: Chaos.Send
  }

  /// Accepts a message and enters its life into the timeline.
  ///
  /// - Throws: the error to answer; nothing has been accepted then.
  mutating func create(_ form: FormFields, account: SandboxAccount, now: UTCTime) throws(TwilioError) -> Creation {
    let request = try MessageRequest(
      form: form, senders: account.senders, now: now, shortestSchedule: configuration.shortestSchedule)
    if let service = request.service, !account.hasService(service) { throw .invalidService }
    let template = try template(of: request, account: account)
    let pair = request.from.map { OptOut.Pair(accountSID: account.sid, ours: $0.text, theirs: request.to.text) }
    if let pair, request.service == nil, optOuts.contains(pair) { throw .optedOut }
    let magic = MagicErrors.code(to: request.to, body: request.body).flatMap {
      MagicErrors.effect(of: $0, isService: request.service != nil)
    }
    if case .refused(let error) = magic { throw error }

    let answer = chaos.nextSend()
    if case .failed(let status, accepted: false) = answer {
      throw status == 429
        ? .tooManyRequests
        : TwilioError(
          status: status, code: TwilioError.internalError.code, message: TwilioError.internalError.message)
    }
    var message = message(request, template: template, account: account, now: now)
    message.outcome = outcome(request, template: template, account: account, now: now)
    if case .ends(let outcome) = magic { message.outcome = outcome }
    append(message)
    scheduleStep(after: message, now: now)
    return Creation(message: message, answer: answer)
  }

  /// Redacts (`Body=`, present and empty) or cancels (`Status=canceled`).
  ///
  /// - Returns: the message, and the callbacks of a cancellation.
  mutating func update(
    _ message: SandboxMessage, form: FormFields, now: UTCTime
  ) throws(TwilioError) -> (message: SandboxMessage, callbacks: [OutgoingWebhook]) {
    if let status = form["Status"], !status.isEmpty {
      guard status == "canceled" else { throw .invalidParameter("Status can only be updated to canceled") }
      guard message.status == .scheduled else { throw .tooLateToCancel }
      let canceled = changed(message) {
        $0.status = .canceled
        $0.updated = now
      }
      return (canceled, callbacks(for: canceled, now: now))
    }
    guard let body = form["Body"] else { throw .invalidParameter("Body or Status is required") }
    guard body.isEmpty else { throw .invalidParameter("Body can only be updated to an empty string") }
    let redacted = changed(message) {
      $0.body = ""
      $0.updated = now
    }
    return (redacted, [])
  }

  /// Deletes a finished message and its media.
  mutating func delete(_ message: SandboxMessage) throws(TwilioError) {
    if message.status.isUnfinished { throw .notFinished }
    for media in message.media { self.media.remove(media.sid) }
    log.remove(message.sid)
  }

  mutating func deleteMedia(_ sid: String, of message: SandboxMessage) {
    media.remove(sid)
    _ = changed(message) { $0.media.removeAll { $0.sid == sid } }
  }

  private mutating func changed(
    _ message: SandboxMessage, _ change: (inout SandboxMessage) -> Void
  ) -> SandboxMessage {
    let changed = log.update(message.sid) { message -> SandboxMessage in
      change(&message)
      return message
    }
    return changed ?? message
  }

  /// - Throws: where the message names a template that the account does not have.
  private func template(
    of request: MessageRequest, account: SandboxAccount
  ) throws(TwilioError) -> SandboxTemplate? {
    guard let sid = request.contentSID else { return nil }
    guard let template = templates[sid, account.sid] else { throw .contentSIDInvalid }
    return template
  }

  private func message(
    _ request: MessageRequest, template: SandboxTemplate?, account: SandboxAccount, now: UTCTime
  ) -> SandboxMessage {
    let rendering = template?.render(request.contentVariables, isSMS: request.to.channel == .sms)
    let body = rendering?.body ?? request.body
    let isMultimedia = !request.mediaURLs.isEmpty || request.contentSID != nil || request.sendsAsMMS
    let isWaiting = request.from == nil
    return SandboxMessage(
      sid: SandboxSID.make(isMultimedia ? "MM" : "SM"), accountSID: account.sid,
      messagingServiceSID: request.service, from: request.from?.text, to: request.to.text, body: body,
      status: request.sendAt != nil ? .scheduled : request.service != nil ? .accepted : .queued,
      direction: .outboundAPI,
      segments: isWaiting ? 0 : request.to.channel == .sms ? Segments.count(body) : 1,
      media: (request.mediaURLs + (rendering?.mediaURLs ?? [])).map {
        SandboxMedia(sid: SandboxSID.make("ME"), contentType: MediaType.guess(url: $0), source: .url($0), created: now)
      },
      contentSID: request.contentSID, errorCode: nil, created: now, updated: now, sent: nil, sendAt: request.sendAt,
      statusCallback: request.statusCallback ?? account.webhooks.status)
  }

  private func outcome(
    _ request: MessageRequest, template: SandboxTemplate?, account: SandboxAccount, now: UTCTime
  ) -> MagicNumbers.Outcome {
    let to = request.to
    if request.service != nil {
      if let error = MagicNumbers.deferrable(to: to, from: request.from) { return .failed(error.code) }
      let isBlocked = account.pool(of: request.service ?? "").contains {
        optOuts.contains(OptOut.Pair(accountSID: account.sid, ours: $0, theirs: to.text))
      }
      if isBlocked { return .failed(21610) }
    }
    let refusal = template.map(\.approval.refusal) ?? 63016
    if configuration.enforcesWhatsAppWindow, to.channel == .whatsapp, let refusal {
      let ours = request.from.map { [$0.text] } ?? account.senders
      let isOpen = ours.contains {
        let last = lastInbound[OptOut.Pair(accountSID: account.sid, ours: $0, theirs: to.text)]
        return last.map { now < $0 + .seconds(86400) } ?? false
      }
      if !isOpen { return .failed(refusal) }
    }
    return MagicNumbers.outcome(to: to)
  }
}
