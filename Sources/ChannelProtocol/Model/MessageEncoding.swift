// The JSON of the resources that events carry: written here once, for the API and the event log alike.

extension Message {
  /// Writes the Message resource of `API.md`; `members` may add to the object (a history, a raw payload).
  public func write(to writer: inout JSONWriter, members: (inout JSONWriter) -> Void = { _ in }) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("conversationId", conversationID)
      writer.member("contactId", contactID)
      writer.member("channel", channel)
      writer.member("channelType", channelType.rawValue)
      writer.member("direction", direction.rawValue)
      writer.member("from", from)
      writer.member("to", to)
      writer.member("body", body)
      writer.key("content")
      content.write(to: &writer)
      writer.member("media") { writer in
        writer.array { writer in for item in media { item.write(to: &writer) } }
      }
      writer.member("status", status.rawValue)
      writer.key("error")
      if let error { error.write(to: &writer) } else { writer.null() }
      writer.member("providerSid", providerSID)
      writer.key("segments")
      if let segments {
        writer.object { writer in
          writer.member("count", segments.count)
          writer.member("encoding", segments.encoding.rawValue)
        }
      } else {
        writer.null()
      }
      writer.member("price", price)
      writer.key("template")
      if let template {
        writer.object { writer in
          writer.member("sid", template.sid)
          writer.member("variables", .object(template.variables.mapValues { .string($0) }))
        }
      } else {
        writer.null()
      }
      writer.member("scheduledAt", scheduledAt)
      writer.member("replyTo", replyTo)
      writer.member("resendOf", resendOf)
      writer.member("recovered", recovered)
      writer.member("metadata") { writer in
        writer.object { writer in
          for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.value(value)
          }
        }
      }
      writer.member("createdAt", createdAt)
      writer.member("sentAt", sentAt)
      writer.member("deliveredAt", deliveredAt)
      writer.member("readAt", readAt)
      members(&writer)
    }
  }
}

extension MessageError {
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("code", code)
      writer.member("message", message)
      writer.member("explanation", explanation)
      writer.member("retryable", isRetryable)
    }
  }
}

extension MediaItem {
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("state", state.rawValue)
      writer.member("contentType", contentType)
      writer.member("url", url)
      writer.member("size", size)
      writer.member("filename", filename)
    }
  }
}

extension StatusReport {
  /// Writes one entry of `statusHistory`.
  /// - Parameter raw: a JSON object, what the provider said; nil: left out.
  public func write(to writer: inout JSONWriter, raw: [UInt8]? = nil) {
    writer.object { writer in
      writer.member("status", status?.rawValue)
      writer.member("providerStatus", providerStatus)
      writer.member("at", at)
      writer.member("source", source.rawValue)
      writer.member("errorCode", errorCode)
      writer.member("errorMessage", errorMessage)
      if let raw {
        writer.key("raw")
        writer.raw(raw)
      }
    }
  }
}

extension Contact {
  /// Writes the Contact resource of `API.md`.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("name", name)
      writer.member("attributes", .object(attributes))
      writer.member("labels") { writer in
        writer.array { writer in for label in labels { writer.value(label) } }
      }
      writer.member("channels") { writer in
        writer.array { writer in
          for channel in channels { channel.write(to: &writer) }
        }
      }
      writer.member("createdAt", createdAt)
      writer.member("updatedAt", updatedAt)
    }
  }
}

extension ContactChannel {
  /// Writes one of a contact's channels as `API.md` shows them.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("type", type.rawValue)
      writer.member("address", address)
      writer.member("optedOut", optedOut)
      writer.member("lastInboundAt", lastInboundAt)
    }
  }
}

extension Conversation {
  /// Writes the Conversation resource of `API.md`; `now` decides whether the window is open.
  /// - Parameter lastMessageJSON: the last message, where it has been written already.
  public func write(
    to writer: inout JSONWriter, now: Timestamp, lastMessageJSON: [UInt8]? = nil,
    members: (inout JSONWriter) -> Void = { _ in }
  ) {
    writer.object { writer in
      writer.member("id", id)
      writer.key("contact")
      contact.write(to: &writer)
      writer.member("channel", channel)
      writer.member("channelType", channelType.rawValue)
      writer.member("status", status.rawValue)
      writer.member("unreadCount", unreadCount)
      writer.key("lastMessage")
      if let lastMessageJSON {
        writer.raw(lastMessageJSON)
      } else if let lastMessage {
        lastMessage.write(to: &writer)
      } else {
        writer.null()
      }
      writer.key("window")
      if let windowExpiresAt {
        writer.object { writer in
          writer.member("open", windowExpiresAt > now)
          writer.member("expiresAt", windowExpiresAt)
        }
      } else if hasWindow {
        writer.object { writer in
          writer.member("open", false)
          writer.member("expiresAt", nil as Timestamp?)
        }
      } else {
        writer.null()
      }
      writer.member("createdAt", createdAt)
      writer.member("updatedAt", updatedAt)
      members(&writer)
    }
  }
}
