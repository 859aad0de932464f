// JSON written by hand, read by Foundation.

import ChannelProtocol
import Foundation
import Testing

@Suite("JSONWriter")
struct JSONWriterTests {
  private static func written(_ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    body(&writer)
    return writer.string
  }

  @Test("commas stand between elements and nowhere else, at any depth")
  func nesting() {
    let text = Self.written { writer in
      writer.object { writer in
        writer.member("a") { $0.array { _ in } }
        writer.member("b") { $0.object { _ in } }
        writer.member("c") { writer in
          writer.array { writer in
            writer.value(1)
            writer.object { $0.member("d", true) }
            writer.array { $0.null() }
            writer.value("e")
          }
        }
        writer.member("f", nil as String?)
        writer.key("g")
        writer.raw("[1,2]".utf8)
        writer.member("h", 2)
      }
    }
    #expect(text == #"{"a":[],"b":{},"c":[1,{"d":true},[null],"e"],"f":null,"g":[1,2],"h":2}"#)
  }

  @Test("what must be escaped is, and nothing else")
  func escapes() {
    #expect(
      Self.written { $0.value("\"\\/\n\r\t\u{8}\u{0}\u{1F}\u{7F}é👋\u{2028}") }
        == "\"\\\"\\\\/\\n\\r\\t\\u0008\\u0000\\u001f\u{7F}é👋\u{2028}\"")
    #expect(
      Self.written { writer in
        writer.object {
          $0.key("a\"b" as String); $0.null()
        }
      } == #"{"a\"b":null}"#)
  }

  @Test("any text comes back as it was, byte for byte")
  func texts() throws {
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 0...20)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: Bool.random() ? 0...0x7F : 0...0x10_FFFF))
      }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      let json = Self.written { writer in writer.array { $0.value(text) } }
      let read = try JSONDecoder().decode([String].self, from: Data(json.utf8))
      #expect(read.first.map { Array($0.utf8) } == Array(text.utf8))
    }
  }

  @Test(
    "numbers are exact where they can be, and what JSON lacks is null",
    arguments: [
      (0.0, "0"), (-0.0, "0"), (1.0, "1"), (-2.5, "-2.5"), (0.1, "0.1"), (1e16, "1e+16"),
      (-122.41941550000001, "-122.41941550000001"),
      (.infinity, "null"), (.nan, "null"), (2.5e-300, "2.5e-300"),
    ] as [(Double, String)])
  func doubles(value: Double, text: String) throws {
    let json = Self.written { $0.value(value) }
    #expect(json == text)
    if value.isFinite { #expect(try JSONDecoder().decode(Double.self, from: Data(json.utf8)) == value) }
  }

  @Test("what must be escaped is found at any place, and what stands around it is kept")
  func escapesAnywhere() {
    for (character, escaped) in [("\"", #"\""#), ("\\", #"\\"#), ("\u{1F}", #"\u001f"#), ("\n", #"\n"#)] {
      for before in 0...20 {
        for after in 0...9 {
          let (left, right) = (String(repeating: "!", count: before), String(repeating: "ÿ", count: after))
          let text = Self.written {
            $0.array {
              $0.value("]"); $0.value(left + character + right + character)
            }
          }
          #expect(text == "[\"]\",\"" + left + escaped + right + escaped + "\"]")
        }
      }
    }
    // Those next to them in the code need nothing.
    #expect(Self.written { $0.value(" !#[]~\u{7F}  !#[]~") } == "\" !#[]~\u{7F}  !#[]~\"")
  }

  @Test("texts on lines of their own share one buffer")
  func lines() {
    let text = Self.written { writer in
      for number in 1...2 {
        writer.object { $0.member("a", number) }
        writer.endLine()
      }
    }
    #expect(text == "{\"a\":1}\n{\"a\":2}\n")
  }

  @Test("integers of every length")
  func integerLengths() {
    var power: Int64 = 1
    for _ in 0..<19 {
      for value in [power - 1, power, power + 1, -power, 1 - power] {
        #expect(Self.written { $0.value(value) } == "\(value)")
      }
      power = power.multipliedReportingOverflow(by: 10).partialValue
    }
  }

  @Test("integers to the ends of their range", arguments: [0, 1, -1, 10, .max, .min] as [Int64])
  func integers(value: Int64) {
    #expect(Self.written { $0.value(value) } == "\(value)")
  }

  @Test("any JSON value comes back as it was")
  func values() throws {
    func random(_ depth: Int) -> JSONValue {
      switch Int.random(in: 0...(depth == 0 ? 4 : 6)) {
      case 0: .null
      case 1: .bool(.random())
      case 2: .integer(.random(in: .min ... .max))
      case 3: .number(.random(in: -1e6...1e6) + 0.5e-3)
      case 4: .string("é\n\"\(Int.random(in: 0...99))")
      case 5: .array((0..<Int.random(in: 0...4)).map { _ in random(depth - 1) })
      default:
        .object(
          Dictionary(
            (0..<Int.random(in: 0...4)).map { ("k\"\($0)", random(depth - 1)) }, uniquingKeysWith: { first, _ in first }
          ))
      }
    }
    for _ in 0..<300 {
      let value = random(3)
      let json = Self.written { writer in writer.array { $0.value(value) } }
      #expect(try JSONDecoder().decode([JSONValue].self, from: Data(json.utf8)) == [value])
    }
  }

  @Test("members of an object stand in the order of their names, so that the same value is the same text")
  func stableOrder() {
    let value: JSONValue = ["b": 1, "a": [true, nil], "c": "x"]
    #expect(Self.written { $0.value(value) } == #"{"a":[true,null],"b":1,"c":"x"}"#)
  }

  @Test("whole numbers, however they were written, read as integers")
  func wholeNumbers() throws {
    let read = try JSONDecoder().decode([JSONValue].self, from: Data("[1,1.0,1e3,1.5,true,9007199254740993]".utf8))
    #expect(read.map(\.integerValue) == [1, 1, 1_000, nil, nil, 9_007_199_254_740_993])
    #expect(read[4] == .bool(true))
  }
}
