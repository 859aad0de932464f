// JSON Schema (2020-12) as values, each with an example of what it describes.

import ChannelProtocol

/// What a value looks like, and one that does.
struct Schema: Sendable, Hashable {
  var node: DocumentNode
  var example: DocumentNode

  /// A member of an object that may be left out.
  var isOptional = false
}

extension Schema {
  // MARK: Words and numbers

  static func text(
    _ example: String, _ description: String? = nil, length: ClosedRange<Int>? = nil, pattern: String? = nil,
    format: String? = nil
  ) -> Schema {
    Schema(
      node: .object([
        ("type", .text("string")), ("description", description.map { .text($0) }),
        ("minLength", length.flatMap { $0.lowerBound > 0 ? .whole($0.lowerBound) : nil }),
        ("maxLength", length.map { .whole($0.upperBound) }), ("pattern", pattern.map { .text($0) }),
        ("format", format.map { .text($0) }),
      ]), example: .text(example))
  }

  static let id = text("01900000-0000-7000-8000-000000000001", format: "uuid")
  static let time = text("2026-01-31T12:00:00.000Z", format: "date-time")

  /// One of a few words; in an answer the list is what is known today.
  static func word(_ words: [String], _ description: String? = nil) -> Schema {
    Schema(
      node: .object([
        ("type", .text("string")), ("description", description.map { .text($0) }), ("enum", .texts(words)),
      ]),
      example: .text(words.first ?? ""))
  }

  static func whole(_ example: Int, _ description: String? = nil, in range: ClosedRange<Int>? = nil) -> Schema {
    Schema(
      node: .object([
        ("type", .text("integer")), ("description", description.map { .text($0) }),
        ("minimum", range.map { .whole($0.lowerBound) }), ("maximum", range.map { .whole($0.upperBound) }),
      ]), example: .whole(example))
  }

  static func number(_ example: Double, _ description: String? = nil, in range: ClosedRange<Double>? = nil) -> Schema {
    Schema(
      node: .object([
        ("type", .text("number")), ("description", description.map { .text($0) }),
        ("minimum", range.map { .number($0.lowerBound) }), ("maximum", range.map { .number($0.upperBound) }),
      ]), example: .number(example))
  }

  static func flag(_ example: Bool, _ description: String? = nil) -> Schema {
    Schema(
      node: .object([("type", .text("boolean")), ("description", description.map { .text($0) })]),
      example: .flag(example))
  }

  // MARK: Lists and objects

  static func list(_ element: Schema, _ description: String? = nil, count: ClosedRange<Int>? = nil) -> Schema {
    Schema(
      node: .object([
        ("type", .text("array")), ("description", description.map { .text($0) }), ("items", element.node),
        ("minItems", count.flatMap { $0.lowerBound > 0 ? .whole($0.lowerBound) : nil }),
        ("maxItems", count.map { .whole($0.upperBound) }),
      ]), example: .list([element.example]))
  }

  /// Members by name. Those that are not optional are required.
  /// - Parameter isClosed: no others may stand there: requests are read strictly, answers may grow.
  static func object(_ members: [(String, Schema)], _ description: String? = nil, isClosed: Bool = false) -> Schema {
    Schema(
      node: .object([
        ("type", .text("object")), ("description", description.map { .text($0) }),
        ("properties", .object(members.map { ($0.0, $0.1.node) })),
        ("required", .texts(members.filter { !$0.1.isOptional }.map(\.0))),
        ("additionalProperties", isClosed ? .flag(false) : nil),
      ]),
      example: .object(members.map { ($0.0, $0.1.example) }))
  }

  /// Any names, and values of one kind.
  static func map(of value: Schema, _ description: String? = nil, key: String, count: Int? = nil) -> Schema {
    Schema(
      node: .object([
        ("type", .text("object")), ("description", description.map { .text($0) }),
        ("additionalProperties", value.node), ("maxProperties", count.map { .whole($0) }),
      ]), example: .object([(key, value.example)]))
  }

  /// An object of which nothing more is promised.
  static func anyObject(_ example: DocumentNode = .object([]), _ description: String? = nil) -> Schema {
    Schema(
      node: .object([("type", .text("object")), ("description", description.map { .text($0) })]), example: example)
  }

  // MARK: Variations

  /// This, or null.
  var orNull: Schema {
    var copy = self
    guard case .members(var members) = node, let index = members.firstIndex(where: { $0.name == "type" }) else {
      copy.node = .object([("anyOf", .list([node, .object([("type", .text("null"))])]))])
      return copy
    }
    guard case .text(let type) = members[index].value else { return copy }
    members[index].value = .texts([type, "null"])
    if let words = members.firstIndex(where: { $0.name == "enum" }), case .list(let list) = members[words].value {
      members[words].value = .list(list + [.null])
    }
    copy.node = .members(members)
    return copy
  }

  /// A member that may be left out; null counts as left out.
  var optional: Schema {
    var copy = orNull
    copy.isOptional = true
    return copy
  }

  /// A member that may be left out, and is never null.
  var omissible: Schema {
    var copy = self
    copy.isOptional = true
    return copy
  }

  /// The same with an example of its own.
  func like(_ example: DocumentNode) -> Schema {
    var copy = self
    copy.example = example
    return copy
  }

  /// The same with words about it.
  func saying(_ description: String) -> Schema {
    var copy = self
    guard case .members(var members) = node else { return copy }
    members.removeAll { $0.name == "description" }
    members.append(.init(name: "description", value: .text(description)))
    copy.node = .members(members)
    return copy
  }
}

/// A schema that has a name, and is referred to by it.
struct NamedSchema: Sendable, Hashable {
  let name: String
  let schema: Schema

  /// What refers to it.
  var reference: Schema {
    Schema(node: .object([("$ref", .text("#/components/schemas/\(name)"))]), example: schema.example)
  }
}
