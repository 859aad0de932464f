// What a client says of a contact, read strictly.

import ChannelProtocol
import Storage

/// Reads contacts and addresses out of request bodies.
struct ContactRequest: Sendable {
  let directory: ChannelDirectory

  static let maximumName = 200
  static let maximumLabels = 50
  static let maximumLabel = 100
  static let maximumAttributes = 100
  static let maximumAttributeBytes = 16 << 10
  static let maximumChannels = 50

  // MARK: The profile

  /// `name`, `attributes` and `labels`; what is left out is empty.
  func profile(_ reader: inout BodyReader) -> ContactProfile {
    ContactProfile(name: name(&reader), attributes: attributes(&reader), labels: labels(&reader))
  }

  private func name(_ reader: inout BodyReader) -> String? {
    guard let name = reader.string("name", maximum: Self.maximumName) else { return nil }
    return name.isBlank ? reader.fail("name", "must not be empty") : name
  }

  private func attributes(_ reader: inout BodyReader) -> [String: JSONValue] {
    guard let value = reader.value("attributes") else { return [:] }
    guard let attributes = value.objectValue else { return reader.fail("attributes", "must be an object") ?? [:] }
    if attributes.count > Self.maximumAttributes {
      return reader.fail("attributes", "may have \(Self.maximumAttributes) keys at most") ?? [:]
    }
    if value.containsNUL { return reader.fail("attributes", "must not contain NUL") ?? [:] }
    var writer = JSONWriter()
    writer.value(value)
    if writer.bytes.count > Self.maximumAttributeBytes {
      return reader.fail("attributes", "may have \(Self.maximumAttributeBytes) bytes at most") ?? [:]
    }
    return attributes
  }

  private func labels(_ reader: inout BodyReader) -> [String] {
    var seen: Set<String> = []
    let labels = (reader.strings("labels", maximum: Self.maximumLabels) ?? []).filter { seen.insert($0).inserted }
    for label in labels where label.unicodeScalars.count > Self.maximumLabel {
      reader.errors.append(
        .init(field: "labels", message: "may have labels of \(Self.maximumLabel) characters at most"))
      break
    }
    return labels
  }

  // MARK: Addresses

  /// `channels: [{type, address}]`, each address once.
  func addresses(_ reader: inout BodyReader) -> [Address] {
    guard let value = reader.value("channels") else { return [] }
    guard let elements = value.arrayValue else { return reader.fail("channels", "must be an array of objects") ?? [] }
    if elements.count > Self.maximumChannels {
      return reader.fail("channels", "may have \(Self.maximumChannels) elements at most") ?? []
    }
    var addresses: [Address] = []
    for (index, element) in elements.enumerated() {
      guard let members = element.objectValue else {
        _ = reader.fail("channels[\(index)]", "must be an object") as Bool?
        continue
      }
      var inner = BodyReader(members, path: "channels[\(index)].")
      let address = address(&inner)
      do throws(Problem) {
        try inner.finish()
        guard let address else { continue }
        if addresses.contains(address) {
          _ = reader.fail("channels[\(index)].address", "is given twice") as Bool?
        } else {
          addresses.append(address)
        }
      } catch {
        reader.errors += error.errors
      }
    }
    return addresses
  }

  /// `type` and `address`. A prefix of the address implies the type.
  /// - Returns: nil where something is wrong, which the reader has been told.
  func address(_ reader: inout BodyReader) -> Address? {
    let word = reader.string("type", maximum: 64)
    let given = reader.required("address", maximum: 200)
    guard !given.isEmpty else { return nil }
    let (prefix, bare) = Address.split(given)
    guard let type = word.map({ ChannelType($0) }) ?? prefix else {
      return reader.fail("type", "is required where the address has no prefix")
    }
    let field = word == nil ? "address" : "type"
    guard isKnown(type) else {
      return reader.fail(field, "must be one of \(knownTypes.joined(separator: ", "))")
    }
    if let prefix, prefix.contactType != type.contactType {
      return reader.fail("address", "has the prefix of another channel type")
    }
    if let problem = problem(with: bare, of: type) { return reader.fail("address", problem) }
    return Address(type: type, value: bare)
  }

  func isKnown(_ type: ChannelType) -> Bool { recipients(of: type.contactType) != nil }

  /// Why a text is no address of a type; nil: it is one.
  func problem(with address: String, of type: ChannelType) -> String? {
    recipients(of: type.contactType)?.problem(with: address)
  }

  var knownTypes: [String] { Set(directory.channels.map(\.type.contactType.rawValue)).sorted() }

  private func recipients(of type: ChannelType) -> ChannelCapabilities.RecipientForm? {
    directory.channels.first { $0.type.contactType == type }?.capabilities.recipients
  }
}
