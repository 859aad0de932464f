// Every answer that a test gets from a gateway is held to the description of the API.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

enum DescribedAnswers {
  static let document: JSONValue = {
    let json = OpenAPIDocument.json(publicURL: "http://localhost:3000")
    return (try? JSONDecoder().decode(JSONValue.self, from: Data(json))) ?? .null
  }()

  /// What an answer has that the description does not, or the other way round.
  static func problems(_ method: String, _ path: String, _ answer: WholeGateway.Answer) -> [String] {
    let path = String(path.prefix { $0 != "?" })
    let type = answer.headers["content-type"] ?? ""
    if answer.headers["x-request-id"]?.isEmpty ?? true { return ["no X-Request-Id"] }
    if answer.status >= 400, answer.status != 503 || type != "application/json" {
      guard type == "application/problem+json" else { return ["an error as \(type)"] }
      let schema: JSONValue = ["$ref": "#/components/schemas/Problem"]
      let wrong = SchemaValidation(document: document).problems(answer.json, schema)
      if !wrong.isEmpty { return wrong }
      if answer.json["status"]?.integerValue != Int64(answer.status) { return ["another status in the document"] }
    }
    guard let operation = operation(method, path) else { return [] }
    guard let described = operation["responses"]?["\(answer.status)"] else {
      return [405, 404, 500, 503].contains(answer.status) ? [] : ["the status \(answer.status) is not described"]
    }
    guard type == "application/json", let schema = described["content"]?[type]?["schema"] else { return [] }
    return SchemaValidation(document: document).problems(answer.json, schema)
  }

  /// The operation that a request is; nil: none, which the gateway must say by itself.
  static func operation(_ method: String, _ path: String) -> JSONValue? {
    let parts = path.split(separator: "/")
    let templates = document["paths"]?.objectValue ?? [:]
    // A fixed word is chosen before a parameter.
    let fitting = templates.keys.filter { fits($0.split(separator: "/"), parts) }
      .min { $0.count(where: { $0 == "{" }) < $1.count(where: { $0 == "{" }) }
    return fitting.flatMap { templates[$0]?[method.lowercased()] }
  }

  private static func fits(_ template: [Substring], _ path: [Substring]) -> Bool {
    template.count == path.count && zip(template, path).allSatisfy { $0.first == "{" || $0 == $1 }
  }
}
