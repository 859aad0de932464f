// What a client says.

public import NIOCore

/// The arguments of an event or an acknowledgement.
public struct SocketArguments: Hashable, Sendable {
  /// Each as the JSON text it was written in. Where binary data belongs there is `{"_placeholder":true,"num":N}`.
  public var json: [[UInt8]]
  /// The binary data, by that number.
  public var attachments: [ByteBuffer]

  public init(json: [[UInt8]], attachments: [ByteBuffer] = []) {
    self.json = json
    self.attachments = attachments
  }
}

public struct SocketEvent: Hashable, Sendable {
  let nameJSON: [UInt8]
  public var arguments: SocketArguments
  /// Where the client asks for an acknowledgement.
  let id: Int?

  /// Its name; a number as its text.
  public var name: String {
    JSONMembers.text(of: nameJSON[...]) ?? String(decoding: nameJSON, as: UTF8.self)
  }

  /// Whether the client asks for an acknowledgement.
  public var wantsAcknowledgement: Bool { id != nil }
}

/// What is borne from a client.
public struct SocketLimits: Hashable, Sendable {
  /// How long a client may be in no namespace before its connection is closed.
  public var connectTimeout = TimeAmount.seconds(45)
  /// How often a client may be refused before its connection is closed.
  public var maximumRefusals = 3
  public var maximumAttachments = 10
  /// All attachments of one packet together.
  public var maximumAttachmentBytes = 4_000_000
  /// How many of our events may wait for a client's acknowledgement.
  public var maximumAcknowledgements = 1_024

  public init() {}
}
