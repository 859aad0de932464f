// The files of messages.

import ChannelProtocol
import Postgres

enum MediaRows {
  private static let load = Statement(
    "load_media",
    """
    SELECT message_id, id, state, content_type, size, filename FROM media
    WHERE message_id = ANY ($1::uuid[]) ORDER BY message_id, position
    """)

  /// The media of each of `messages` that has some.
  static func load(
    _ messages: [Identifier], context: ResourceContext, on connection: Connection
  ) throws -> [Identifier: [MediaItem]] {
    guard !messages.isEmpty else { return [:] }
    var parameters = Parameters()
    parameters.identifierArray(messages)
    var result: [Identifier: [MediaItem]] = [:]
    for row in try connection.execute(load, parameters) {
      var reader = ColumnReader(row)
      let message = try reader.identifier()
      let id = try reader.identifier()
      let state = try reader.text()
      result[message, default: []].append(
        MediaItem(
          id: id, state: MediaItem.State(rawValue: state) ?? .pending, contentType: try reader.textOrNil(),
          url: context.mediaURL(id), size: try reader.int8OrNil().map { Int($0) }, filename: try reader.textOrNil()))
    }
    return result
  }

  private static let sources = Statement(
    "load_media_sources",
    "SELECT message_id, provider_url FROM media WHERE message_id = ANY ($1::uuid[]) ORDER BY message_id, position")

  /// Where the files of `messages` are.
  static func sources(_ messages: [Identifier], on connection: Connection) throws -> [Identifier: [String]] {
    guard !messages.isEmpty else { return [:] }
    var parameters = Parameters()
    parameters.identifierArray(messages)
    var result: [Identifier: [String]] = [:]
    for row in try connection.execute(sources, parameters) {
      var reader = ColumnReader(row)
      let message = try reader.identifier()
      if let url = try reader.textOrNil() { result[message, default: []].append(url) }
    }
    return result
  }
}
