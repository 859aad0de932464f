// Which fields of an event a line holds, and which of them are blotted out.

import ChannelProtocol
import SocketIO

/// A selection and redactions over an event's JSON, by names joined with dots (`data.from`). A name goes through arrays:
/// `data.media.url` is the URL of each file.
struct LogFields: Sendable, Hashable {
  /// What stands in the place of a value that was blotted out, whatever it was.
  static let redacted = "[redacted]"

  private struct Node: Sendable, Hashable {
    var children: [String: Node] = [:]
    var isSelected = false
    var isRedacted = false

    /// Whether a field below it was selected, if not itself.
    var holdsSelection: Bool { isSelected || children.values.contains { $0.holdsSelection } }

    mutating func mark(_ path: ArraySlice<Substring>, _ change: (inout Node) -> Void) {
      guard let name = path.first else { return change(&self) }
      children[String(name), default: Node()].mark(path.dropFirst(), change)
    }
  }

  private var root = Node()

  /// - Parameters:
  ///   - selected: the only fields that are kept; empty: all.
  ///   - redacted: fields that are blotted out where they are kept.
  init(selected: [String] = [], redacted: [String] = []) {
    if selected.isEmpty { root.isSelected = true }
    for path in selected { root.mark(path.split(separator: ".")[...]) { $0.isSelected = true } }
    for path in redacted { root.mark(path.split(separator: ".")[...]) { $0.isRedacted = true } }
  }

  /// Whether every field is kept as it is.
  var isEverything: Bool { root.isSelected && root.children.isEmpty }

  /// - Parameter json: one JSON object.
  func apply(to json: [UInt8]) -> [UInt8] {
    guard !isEverything else { return json }
    var writer = JSONWriter(capacity: json.count)
    write(json, root, isSelected: root.isSelected, to: &writer)
    return writer.bytes
  }

  /// - Parameter isSelected: whether it stands within what was selected.
  private func write(_ json: [UInt8], _ node: Node, isSelected: Bool, to writer: inout JSONWriter) {
    if let members = JSONMembers(json) {
      writer.object { writer in
        for member in members.members {
          guard let child = node.children[member.name] else {
            if isSelected { writer.key(member.name); writer.raw(member.value) }
            continue
          }
          let isWithin = isSelected || child.isSelected
          guard isWithin || child.holdsSelection else { continue }
          writer.key(member.name)
          if child.isRedacted {
            writer.value(Self.redacted)
          } else if child.children.isEmpty {
            writer.raw(member.value)
          } else {
            write(Array(member.value), child, isSelected: isWithin, to: &writer)
          }
        }
      }
    } else if let elements = JSONElements.of(json) {
      writer.array { writer in
        for element in elements { write(element, node, isSelected: isSelected, to: &writer) }
      }
    } else if isSelected {
      writer.raw(json)
    } else {
      // A field below it was selected, and there is none.
      writer.raw("null".utf8)
    }
  }
}
