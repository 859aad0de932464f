// The type numbers that this client speaks.

/// A PostgreSQL type, by its fixed OID (`pg_type.dat` in PostgreSQL's sources).
public struct PostgresType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public static let bool = PostgresType(rawValue: 16)
  public static let bytea = PostgresType(rawValue: 17)
  public static let name = PostgresType(rawValue: 19)
  public static let int8 = PostgresType(rawValue: 20)
  public static let int2 = PostgresType(rawValue: 21)
  public static let int4 = PostgresType(rawValue: 23)
  public static let text = PostgresType(rawValue: 25)
  public static let oid = PostgresType(rawValue: 26)
  public static let json = PostgresType(rawValue: 114)
  public static let float4 = PostgresType(rawValue: 700)
  public static let float8 = PostgresType(rawValue: 701)
  public static let unknown = PostgresType(rawValue: 705)
  public static let bpchar = PostgresType(rawValue: 1042)
  public static let varchar = PostgresType(rawValue: 1043)
  public static let timestamp = PostgresType(rawValue: 1114)
  public static let timestamptz = PostgresType(rawValue: 1184)
  public static let uuid = PostgresType(rawValue: 2950)
  public static let jsonb = PostgresType(rawValue: 3802)

  public static let boolArray = PostgresType(rawValue: 1000)
  public static let byteaArray = PostgresType(rawValue: 1001)
  public static let int2Array = PostgresType(rawValue: 1005)
  public static let int4Array = PostgresType(rawValue: 1007)
  public static let textArray = PostgresType(rawValue: 1009)
  public static let varcharArray = PostgresType(rawValue: 1015)
  public static let int8Array = PostgresType(rawValue: 1016)
  public static let float8Array = PostgresType(rawValue: 1022)
  public static let timestamptzArray = PostgresType(rawValue: 1185)
  public static let uuidArray = PostgresType(rawValue: 2951)
  public static let jsonbArray = PostgresType(rawValue: 3807)

  public var description: String { Self.names[rawValue] ?? "type \(rawValue)" }

  private static let names: [UInt32: String] = [
    16: "bool", 17: "bytea", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid", 114: "json",
    700: "float4", 701: "float8", 705: "unknown", 1042: "bpchar", 1043: "varchar", 1114: "timestamp",
    1184: "timestamptz", 1700: "numeric", 2950: "uuid", 3802: "jsonb", 1000: "bool[]", 1001: "bytea[]",
    1005: "int2[]", 1007: "int4[]", 1009: "text[]", 1015: "varchar[]", 1016: "int8[]", 1022: "float8[]",
    1185: "timestamptz[]", 2278: "void", 2951: "uuid[]", 3807: "jsonb[]",
  ]
}

/// PostgreSQL counts microseconds from 2000-01-01; we count them from 1970-01-01.
let postgresEpochMicroseconds: Int64 = 946_684_800_000_000
