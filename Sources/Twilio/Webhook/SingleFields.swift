// Header fields that a request usually has once.

import HTTPTypes

extension HTTPFields {
  /// What the subscript gives, which joins the values of a name by a generic way that costs more than the whole search
  /// for one: every webhook pays for it.
  func value(of name: HTTPField.Name) -> String? {
    let values = self[values: name]
    return values.count > 1 ? self[name] : values.first
  }
}
