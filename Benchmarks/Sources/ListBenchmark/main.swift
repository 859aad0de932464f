// Lists, filters and searches over HTTP, with a million messages and a hundred thousand contacts in the database.
//
// usage: ListBenchmark BINARY [requests each] [messages] [contacts] [--keep DIRECTORY] [--only PART-OF-A-QUESTION]...

import Foundation

var arguments = Array(CommandLine.arguments.dropFirst())
var kept: String?
if let keep = arguments.firstIndex(of: "--keep"), keep + 1 < arguments.count {
  kept = URL(filePath: arguments[keep + 1]).path
  arguments.removeSubrange(keep...keep + 1)
}
var only: [String] = []
while let flag = arguments.firstIndex(of: "--only"), flag + 1 < arguments.count {
  only.append(arguments[flag + 1])
  arguments.removeSubrange(flag...flag + 1)
}
guard let binary = arguments.first else {
  print(
    """
    usage: ListBenchmark PATH/TO/fractal [requests each = 100] [messages = 1000000] [contacts = 100000] [--keep DIRECTORY]
      [--only PART-OF-A-QUESTION]...
    """)
  exit(2)
}
let numbers = arguments.dropFirst().map { Int($0) }
func number(_ index: Int, _ standard: Int) -> Int {
  (numbers.count > index ? numbers[index] : nil) ?? standard
}

do {
  try await ListBenchmark(
    binary: binary, requests: min(max(number(0, 100), 1), 10_000), messages: min(number(1, 1_000_000), 10_000_000),
    contacts: min(number(2, 100_000), 1_000_000), kept: kept, only: only
  ).run()
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
