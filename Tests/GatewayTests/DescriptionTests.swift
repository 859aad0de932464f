// The description of the API and the API, held to each other.

import ChannelProtocol
import Foundation
import HTTPTypes
import Storage
import Testing

@testable import Gateway

@Suite("The description of the API", .serialized)
struct DescriptionTests {
  private let document = DescribedAnswers.document

  @Test("every route is described, with its scope, and everything described is a route")
  func routes() async throws {
    try await WholeGateway.run { gateway in
      func line(_ method: HTTPRequest.Method, _ path: String, _ scope: String?) -> String {
        "\(method.rawValue) \(path) \(scope ?? "-")"
      }
      let served = Set(gateway.routes.map { line($0.method, $0.path, $0.scope?.rawValue) })
      let described = Set(APIOperations.all.map { line($0.method, $0.path, $0.scope?.rawValue) })
      #expect(served.subtracting(described).sorted() == [], "not described")
      #expect(described.subtracting(served).sorted() == [], "not served")
      try await pages(gateway)
    }
  }

  /// What a browser and a client get.
  private func pages(_ gateway: WholeGateway) async throws {
    let json = try await WholeGateway.exchange("GET", gateway.base + "/openapi.json")
    #expect(json.status == 200 && json.json["openapi"] == "3.1.0")
    #expect(json.json["paths"] == document["paths"])
    let tag = try #require(json.headers["etag"])
    #expect(
      try await WholeGateway.exchange("GET", gateway.base + "/openapi.json", headers: [("If-None-Match", tag)]).status
        == 304)
    let page = try await WholeGateway.exchange("GET", gateway.base + "/docs")
    #expect(page.headers["content-type"] == "text/html; charset=utf-8")
    #expect(page.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
    for operation in APIOperations.all { #expect(page.text.contains("id=\"\(operation.name)\""), "\(operation.name)") }
    for word in ["<script", "src=", "http://cdn", "@import", "url("] {
      #expect(!page.text.contains(word), "the page needs nothing but itself")
    }
  }

  @Test("operation names are unique, and path parameters are described")
  func names() {
    #expect(Set(APIOperations.all.map(\.name)).count == APIOperations.all.count)
    for operation in APIOperations.all {
      let named = Set(operation.path.split(separator: "/").filter { $0.first == ":" }.map { String($0.dropFirst()) })
      let described = Set(operation.parameters.filter { $0.place == .path }.map(\.name))
      #expect(named == described, "\(operation.name)")
    }
  }

  @Test("what an answer has made is followed by what may be done with it, and every link leads to an operation")
  func links() {
    let names = Set(APIOperations.all.map(\.name))
    var followed: [String: Set<String>] = [:]
    for (_, item) in document["paths"]?.objectValue ?? [:] {
      for (_, operation) in item.objectValue ?? [:] {
        for (_, response) in operation["responses"]?.objectValue ?? [:] {
          for (name, link) in response["links"]?.objectValue ?? [:] {
            #expect(names.contains(name) && link["operationId"]?.stringValue == name)
            #expect(link["parameters"] == ["id": "$response.body#/id"])
            followed[operation["operationId"]?.stringValue ?? "", default: []].insert(name)
          }
        }
      }
    }
    #expect(followed["createKey"] == ["getKey", "revokeKey"])
    #expect(followed["sendMessage"] == ["getMessage", "cancelMessage", "resendMessage"])
    #expect(followed.keys.sorted().contains("sendBulk") && followed["createContact"]?.contains("deleteContact") == true)
  }

  @Test("every example is an example of its schema, and every reference leads somewhere")
  func examples() {
    let validation = SchemaValidation(document: document)
    for (name, schema) in document["components"]?["schemas"]?.objectValue ?? [:] {
      let example = schema["examples"]?.arrayValue?.first ?? .null
      #expect(validation.problems(example, schema) == [], "\(name)")
    }
    for (path, item) in document["paths"]?.objectValue ?? [:] {
      for (method, operation) in item.objectValue ?? [:] {
        let bodies = [operation["requestBody"]] + (operation["responses"]?.objectValue?.values.map { $0 } ?? [])
        for body in bodies.compactMap({ $0 }) {
          if let reference = body["$ref"]?.stringValue { #expect(validation.resolve(reference) != nil, "\(reference)") }
          let json = body["content"]?["application/json"]
          guard let schema = json?["schema"] else { continue }
          #expect(validation.problems(json?["example"] ?? .null, schema) == [], "\(method) \(path)")
        }
        for parameter in operation["parameters"]?.arrayValue ?? [] {
          guard let schema = parameter["schema"], let example = parameter["example"] else { continue }
          #expect(validation.problems(example, schema) == [], "\(method) \(path) \(parameter["name"] ?? .null)")
        }
      }
    }
  }
}
