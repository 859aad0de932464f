// JSON whose members keep their order: a description is read by people.

import ChannelProtocol

indirect enum DocumentNode: Sendable, Hashable {
  struct Member: Sendable, Hashable {
    var name: String
    var value: DocumentNode
  }

  case null
  case flag(Bool)
  case whole(Int)
  case number(Double)
  case text(String)
  case list([DocumentNode])
  case members([Member])

  static func object(_ members: [(String, DocumentNode?)]) -> DocumentNode {
    .members(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
  }

  static func texts(_ texts: [String]) -> DocumentNode { .list(texts.map { .text($0) }) }

  func write(to writer: inout JSONWriter) {
    switch self {
    case .null: writer.null()
    case .flag(let value): writer.value(value)
    case .whole(let value): writer.value(value)
    case .number(let value): writer.value(value)
    case .text(let value): writer.value(value)
    case .list(let elements): writer.array { writer in for element in elements { element.write(to: &writer) } }
    case .members(let members):
      writer.object { writer in
        for member in members {
          writer.key(member.name)
          member.value.write(to: &writer)
        }
      }
    }
  }
}
