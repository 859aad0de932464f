// What the contents of each type are made of, as Twilio's OpenAPI description says.

extension SandboxTemplate {
  /// The members of an object: those that must be there, and those that may.
  private struct Shape {
    var required: [String]
    var optional: [String] = []
    /// Lists of objects, by the member's name.
    var lists: [String: [Shape]] = [:]
  }

  private static let reply = Shape(required: ["title"], optional: ["type", "id"])
  private static let button = Shape(
    required: ["type", "title"], optional: ["url", "phone", "code", "id", "webview_size"])
  private static let carouselCard = Shape(
    required: ["body", "actions", "media"], optional: ["title"], lists: ["actions": [button]])

  private static let shapes: [String: Shape] = [
    "twilio/text": Shape(required: ["body"]),
    "twilio/media": Shape(required: ["media"], optional: ["body"]),
    "twilio/location": Shape(required: ["latitude", "longitude"], optional: ["label", "id", "address"]),
    "twilio/list-picker": Shape(
      required: ["body", "button", "items"],
      lists: ["items": [Shape(required: ["id", "item"], optional: ["description"])]]),
    "twilio/call-to-action": Shape(required: ["body", "actions"], lists: ["actions": [button]]),
    "twilio/quick-reply": Shape(required: ["body", "actions"], lists: ["actions": [reply]]),
    "twilio/card": Shape(
      required: [], optional: ["title", "body", "subtitle", "media", "actions"], lists: ["actions": [button]]),
    "twilio/catalog": Shape(required: ["body"], optional: ["title", "subtitle", "id", "items", "dynamic_items"]),
    "twilio/carousel": Shape(required: ["body", "cards"], lists: ["cards": [carouselCard]]),
    "twilio/flows": Shape(
      required: ["body", "button_text", "pages", "type"], optional: ["subtitle", "media_url"]),
    "twilio/schedule": Shape(required: ["id", "title", "timeSlots"]),
    "whatsapp/card": Shape(
      required: ["body"], optional: ["footer", "media", "header_text", "actions"], lists: ["actions": [button]]),
    "whatsapp/authentication": Shape(
      required: ["actions"], optional: ["add_security_recommendation", "code_expiration_minutes"],
      lists: ["actions": [Shape(required: ["type", "copy_code_text"])]]),
    "whatsapp/flows": Shape(
      required: ["body", "button_text", "flow_id"],
      optional: ["subtitle", "media_url", "flow_token", "flow_first_page_id", "is_flow_first_page_endpoint"]),
  ]

  /// What is wrong with the contents of a type; nil: nothing.
  static func fault(in type: JSONValue.Member) -> String? {
    guard let shape = shapes[type.name] else { return "types: there is no \(type.name)" }
    return fault(in: type.value, shape, at: type.name)
  }

  private static func fault(in value: JSONValue, _ shape: Shape, at path: String) -> String? {
    guard let members = value.members else { return "\(path) is no object" }
    let names = members.map(\.name)
    if let missing = shape.required.first(where: { !names.contains($0) }) { return "\(path): \(missing) is required" }
    if let unknown = names.first(where: { !shape.required.contains($0) && !shape.optional.contains($0) }) {
      return "\(path): there is no \(unknown)"
    }
    for member in members {
      guard let element = shape.lists[member.name]?.first else { continue }
      guard let elements = member.value.array, (1...10).contains(elements.count)
      else { return "\(path): \(member.name) must have 1 to 10 entries" }
      for value in elements {
        if let fault = fault(in: value, element, at: "\(path).\(member.name)") { return fault }
      }
    }
    return nil
  }
}
