// Interactive content in a request: what the channel makes of it, or what is wrong with it, by field.

import ChannelProtocol

enum InteractiveRequest {
  /// The content as it is kept: our word for its type, its data checked. Other content stays as it is.
  static func checked(_ content: Content?, on channel: ConfiguredChannel) throws(Problem) -> Content? {
    guard var content, case .interactive(let type, let data) = content.kind,
      let adapter = channel.adapter as? any InteractiveSending
    else { return content }
    do throws(InteractiveFaults) {
      let checked = try adapter.interactive(type: type, data: data)
      content.kind = .interactive(type: checked.type, data: checked.data)
      return content
    } catch {
      throw .invalid(error.faults.map { .init(field: "content.\($0.path)", message: $0.message) })
    }
  }

  /// What interactive content says in plain words; nil: nothing.
  static func text(of content: Content, on channel: ConfiguredChannel) -> String? {
    guard case .interactive(let type, let data) = content.kind,
      let adapter = channel.adapter as? any InteractiveSending
    else { return nil }
    return try? adapter.interactive(type: type, data: data).text
  }
}
