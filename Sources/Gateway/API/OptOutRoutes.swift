// /api/opt-outs

import ChannelProtocol
import Hummingbird
import Storage

extension APIRouter {
  mutating func addOptOuts(_ services: APIServices) {
    on(.get, "/api/opt-outs", scope: .read) { request, _ in
      var query = QueryReader(request)
      var filter = OptOutQuery()
      filter.contact = query.identifier("contact")
      filter.address = query.address("address").map { Address.split($0).value }
      let page = query.page(services.cursors)
      try query.finish()
      return .page(try await services.store.optOuts(filter, page: page.request), of: page) { $0.write(to: &$1) }
    }

    let reading = ContactRequest(directory: services.directory)

    on(.post, "/api/opt-outs", scope: .manage) { request, _ in
      var reader = try await BodyReader.read(request)
      let word = reader.required("channelType", maximum: 64)
      let (prefix, bare) = Address.split(reader.required("address", maximum: 200))
      let optedOut = reader.boolean("optedOut")
      let type = ChannelType(word).contactType
      if !word.isEmpty, !reading.isKnown(type) {
        reader.errors.append(
          .init(field: "channelType", message: "must be one of \(reading.knownTypes.joined(separator: ", "))"))
      }
      if let prefix, prefix.contactType != type {
        reader.errors.append(.init(field: "address", message: "has the prefix of another channel type"))
      } else if !bare.isEmpty, let problem = reading.problem(with: bare, of: type) {
        reader.errors.append(.init(field: "address", message: problem))
      }
      if optedOut == nil, !reader.errors.contains(where: { $0.field == "optedOut" }) {
        reader.errors.append(.init(field: "optedOut", message: "is required"))
      }
      try reader.finish()
      let address = Address(type: type, value: bare)
      let scopes = try await services.store.setOptOut(address, optedOut: optedOut ?? false)
      return Response { writer in
        writer.object { writer in
          writer.member("channelType", address.type.rawValue)
          writer.member("address", address.value)
          writer.member("optedOut", !scopes.isEmpty)
          writer.member("scopes", .array(scopes.map(\.rawValue).sorted().map { .string($0) }))
        }
      }
    }
  }
}
