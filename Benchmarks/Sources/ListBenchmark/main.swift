// Lists, filters and searches over HTTP, with a million messages and a hundred thousand contacts in the database.
//
// usage: ListBenchmark BINARY [requests each] [messages] [contacts]

import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
guard let binary = arguments.first else {
  print("usage: ListBenchmark PATH/TO/fractal [requests each = 100] [messages = 1000000] [contacts = 100000]")
  exit(2)
}
func number(_ index: Int, _ standard: Int) -> Int {
  arguments.count > index ? Int(arguments[index]) ?? standard : standard
}

do {
  try await ListBenchmark(
    binary: binary, requests: min(max(number(1, 100), 1), 10_000), messages: min(number(2, 1_000_000), 10_000_000),
    contacts: min(number(3, 100_000), 1_000_000)
  ).run()
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
