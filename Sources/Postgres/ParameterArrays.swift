// Array parameters: one array per column, which `unnest` turns into rows.

extension Parameters {
  public mutating func int2Array(_ values: [Int16]) {
    array(.int2Array, of: .int2, count: values.count, estimate: 2) {
      $0.put(values[$1]); return true
    }
  }
  public mutating func int2Array(_ values: [Int16?]) {
    array(.int2Array, of: .int2, count: values.count, estimate: 2) { $0.putOptional(values[$1]) { $0.put($1) } }
  }

  public mutating func int4Array(_ values: [Int32]) {
    array(.int4Array, of: .int4, count: values.count, estimate: 4) {
      $0.put(values[$1]); return true
    }
  }
  public mutating func int4Array(_ values: [Int32?]) {
    array(.int4Array, of: .int4, count: values.count, estimate: 4) { $0.putOptional(values[$1]) { $0.put($1) } }
  }

  public mutating func int8Array(_ values: [Int64]) {
    array(.int8Array, of: .int8, count: values.count, estimate: 8) {
      $0.put(values[$1]); return true
    }
  }
  public mutating func int8Array(_ values: [Int64?]) {
    array(.int8Array, of: .int8, count: values.count, estimate: 8) { $0.putOptional(values[$1]) { $0.put($1) } }
  }

  public mutating func doubleArray(_ values: [Double]) {
    array(.float8Array, of: .float8, count: values.count, estimate: 8) {
      $0.put(values[$1].bitPattern); return true
    }
  }
  public mutating func doubleArray(_ values: [Double?]) {
    array(.float8Array, of: .float8, count: values.count, estimate: 8) {
      $0.putOptional(values[$1]) { $0.put($1.bitPattern) }
    }
  }

  public mutating func boolArray(_ values: [Bool]) {
    array(.boolArray, of: .bool, count: values.count, estimate: 1) {
      $0.put(byte: values[$1] ? 1 : 0); return true
    }
  }
  public mutating func boolArray(_ values: [Bool?]) {
    array(.boolArray, of: .bool, count: values.count, estimate: 1) {
      $0.putOptional(values[$1]) { $0.put(byte: $1 ? 1 : 0) }
    }
  }

  public mutating func uuidArray(_ values: [UUIDBytes]) {
    array(.uuidArray, of: .uuid, count: values.count, estimate: 16) {
      $0.put(values[$1]); return true
    }
  }
  public mutating func uuidArray(_ values: [UUIDBytes?]) {
    array(.uuidArray, of: .uuid, count: values.count, estimate: 16) { $0.putOptional(values[$1]) { $0.put($1) } }
  }

  /// `timestamptz[]`, in microseconds since 1970-01-01 UTC.
  public mutating func timestampArray(_ microseconds: [Int64]) {
    array(.timestamptzArray, of: .timestamptz, count: microseconds.count, estimate: 8) {
      $0.put(timestamp: microseconds[$1], element: $1)
      return true
    }
  }
  public mutating func timestampArray(_ microseconds: [Int64?]) {
    array(.timestamptzArray, of: .timestamptz, count: microseconds.count, estimate: 8) { parameters, index in
      parameters.putOptional(microseconds[index]) { $0.put(timestamp: $1, element: index) }
    }
  }

  public mutating func textArray(_ values: [String]) {
    array(.textArray, of: .text, count: values.count, estimate: 24) {
      $0.put(text: values[$1], element: $1); return true
    }
  }
  public mutating func textArray(_ values: [String?]) {
    array(.textArray, of: .text, count: values.count, estimate: 24) { parameters, index in
      parameters.putOptional(values[index]) { $0.put(text: $1, element: index) }
    }
  }

  /// Text that comes as bytes and is checked to be UTF-8.
  public mutating func textArray(utf8 values: [[UInt8]]) {
    array(.textArray, of: .text, count: values.count, estimate: 24) {
      $0.put(utf8: values[$1], element: $1); return true
    }
  }
  public mutating func textArray(utf8 values: [[UInt8]?]) {
    array(.textArray, of: .text, count: values.count, estimate: 24) { parameters, index in
      parameters.putOptional(values[index]) { $0.put(utf8: $1, element: index) }
    }
  }

  public mutating func byteaArray(_ values: [[UInt8]]) {
    array(.byteaArray, of: .bytea, count: values.count, estimate: 64) {
      $0.put(values[$1], element: $1); return true
    }
  }
  public mutating func byteaArray(_ values: [[UInt8]?]) {
    array(.byteaArray, of: .bytea, count: values.count, estimate: 64) { parameters, index in
      parameters.putOptional(values[index]) { $0.put($1, element: index) }
    }
  }

  /// JSON texts as UTF-8.
  public mutating func jsonbArray(_ values: [[UInt8]]) {
    array(.jsonbArray, of: .jsonb, count: values.count, estimate: 256) {
      $0.put(byte: 1)
      $0.put(utf8: values[$1], element: $1)
      return true
    }
  }
  public mutating func jsonbArray(_ values: [[UInt8]?]) {
    array(.jsonbArray, of: .jsonb, count: values.count, estimate: 256) { parameters, index in
      parameters.putOptional(values[index]) {
        $0.put(byte: 1)
        $0.put(utf8: $1, element: index)
      }
    }
  }

  public mutating func jsonbArray(_ values: [String]) {
    array(.jsonbArray, of: .jsonb, count: values.count, estimate: 256) {
      $0.put(byte: 1)
      $0.put(text: values[$1], element: $1)
      return true
    }
  }
  public mutating func jsonbArray(_ values: [String?]) {
    array(.jsonbArray, of: .jsonb, count: values.count, estimate: 256) { parameters, index in
      parameters.putOptional(values[index]) {
        $0.put(byte: 1)
        $0.put(text: $1, element: index)
      }
    }
  }

  @inline(__always)
  fileprivate mutating func putOptional<Value>(_ value: Value?, _ write: (inout Parameters, Value) -> Void) -> Bool {
    guard let value else { return false }
    write(&self, value)
    return true
  }
}

// MARK: Columns: an array made of one member of each item, without an array in between

extension Parameters {
  public mutating func textColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> String) {
    array(.textArray, of: .text, count: items.count, estimate: 24) {
      $0.put(text: value(items[$1]), element: $1)
      return true
    }
  }

  public mutating func textColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> String?) {
    array(.textArray, of: .text, count: items.count, estimate: 24) { parameters, index in
      parameters.putOptional(value(items[index])) { $0.put(text: $1, element: index) }
    }
  }

  /// Text that comes as bytes and is checked to be UTF-8.
  public mutating func textColumn<Item>(utf8 items: [Item], estimate: Int, _ value: (borrowing Item) -> [UInt8]?) {
    array(.textArray, of: .text, count: items.count, estimate: estimate) { parameters, index in
      parameters.putOptional(value(items[index])) { $0.put(utf8: $1, element: index) }
    }
  }

  /// Text that is known to be UTF-8 without NUL, because its writer cannot make anything else.
  public mutating func textColumn<Item>(trusted items: [Item], estimate: Int, _ value: (borrowing Item) -> [UInt8]) {
    array(.textArray, of: .text, count: items.count, estimate: estimate) { parameters, index in
      parameters.put(value(items[index]), element: index)
      return true
    }
  }

  public mutating func uuidColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> UUIDBytes?) {
    array(.uuidArray, of: .uuid, count: items.count, estimate: 16) { parameters, index in
      parameters.putOptional(value(items[index])) { $0.put($1) }
    }
  }

  public mutating func boolColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> Bool) {
    array(.boolArray, of: .bool, count: items.count, estimate: 1) {
      $0.put(byte: value(items[$1]) ? 1 : 0)
      return true
    }
  }

  public mutating func int2Column<Item>(_ items: [Item], _ value: (borrowing Item) -> Int16?) {
    array(.int2Array, of: .int2, count: items.count, estimate: 2) { parameters, index in
      parameters.putOptional(value(items[index])) { $0.put($1) }
    }
  }

  public mutating func int4Column<Item>(_ items: [Item], _ value: (borrowing Item) -> Int32?) {
    array(.int4Array, of: .int4, count: items.count, estimate: 4) { parameters, index in
      parameters.putOptional(value(items[index])) { $0.put($1) }
    }
  }

  /// `timestamptz[]`, in microseconds since 1970-01-01 UTC.
  public mutating func timestampColumn<Item>(_ items: [Item], _ value: (borrowing Item) -> Int64?) {
    array(.timestamptzArray, of: .timestamptz, count: items.count, estimate: 8) { parameters, index in
      parameters.putOptional(value(items[index])) { $0.put(timestamp: $1, element: index) }
    }
  }
}
