// The body of `POST /api/conversations`: with whom, and on which channel.

import ChannelProtocol
import HTTPTypes
import Storage

struct ConversationRequest: Sendable {
  private enum Party: Sendable {
    case contact(Identifier)
    case address(type: ChannelType?, value: String)
  }

  private let party: Party
  /// A configured channel's id, or a channel type.
  private let channel: String

  init(_ reader: BodyReader) throws(Problem) {
    var reader = reader
    let contact = reader.identifier("contactId")
    let to = reader.string("to", maximum: 200)
    channel = reader.required("channel", maximum: 200)
    switch (contact, to) {
    case (let contact?, nil): party = .contact(contact)
    case (nil, let to?):
      let (type, value) = Address.split(to)
      party = .address(type: type, value: value)
    case (_?, _?):
      party = .address(type: nil, value: "")
      reader.errors.append(.init(field: "to", message: "cannot stand beside contactId"))
    case (nil, nil):
      party = .address(type: nil, value: "")
      if reader.errors.isEmpty {
        reader.errors.append(.init(field: "contactId", message: "one of contactId and to is required"))
      }
    }
    try reader.finish()
  }

  /// - Throws: ``Problem`` 422 where the channel or the contact's address on it is not to be had.
  func opening(_ services: APIServices) async throws -> ConversationOpening {
    let directory = services.directory
    let candidates = directory[channel].map { [$0] } ?? directory.channels(of: ChannelType(channel))
    guard let first = candidates.first else {
      throw Problem(
        .unprocessableContent, "unknown_channel", "No channel has the id or type \(channel).",
        errors: [.init(field: "channel", message: "is neither a channel's id nor a type")])
    }
    // Channels that share a line share its conversations: either names the same one.
    guard Set(candidates.map(\.line)).count == 1 else {
      throw Problem(
        .unprocessableContent, "ambiguous_channel", "Several channels are of this type: name one.",
        errors: [.init(field: "channel", message: "is needed by its id here")],
        members: ["candidates": .array(candidates.map { .string($0.id) })])
    }
    return ConversationOpening(
      address: Address(type: first.type, value: try await address(on: first, services)), line: first.line,
      channel: first.id)
  }

  private func address(on channel: ConfiguredChannel, _ services: APIServices) async throws -> String {
    switch party {
    case .address(let type, let value):
      if let type, type.contactType != channel.type.contactType {
        throw Problem.invalid("to", "its prefix is of another type than the channel \(channel.id)")
      }
      if let problem = AddressCheck.problem(value, channel.capabilities) { throw Problem.invalid("to", problem) }
      if channel.senders.contains(where: { $0.address == value }) {
        throw Problem.invalid("to", "is our own address on this channel")
      }
      return value
    case .contact(let id):
      guard let contact = try await services.store.contact(id) else {
        throw Problem.invalid("contactId", "is no contact's id")
      }
      let fitting = contact.channels.filter { $0.type == channel.type.contactType }
      // The one they wrote from last.
      let newest = fitting.max { ($0.lastInboundAt?.microseconds ?? 0) < ($1.lastInboundAt?.microseconds ?? 0) }
      guard let newest else {
        throw Problem.invalid("contactId", "has no address on the channel \(channel.id)")
      }
      return newest.address
    }
  }
}
