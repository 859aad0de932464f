// Webhooks acknowledged per second, from the socket to the commit, beside `pgbench` inserting the same rows.
//
// usage: IngestBenchmark BINARY [messages per round] [rounds] [connections] [alone]

import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
guard let binary = arguments.first else {
  print(
    "usage: IngestBenchmark PATH/TO/fractal [messages per round = 60000] [rounds = 3] [connections = 64] [alone: without pgbench]"
  )
  exit(2)
}
func number(_ index: Int, _ standard: Int) -> Int {
  arguments.count > index ? Int(arguments[index]) ?? standard : standard
}
let messages = min(number(1, 60_000), 1_000_000)
let rounds = min(number(2, 3), 20)
let connections = min(number(3, 64), 1_024)

do {
  try await IngestBenchmark(
    binary: binary, messages: messages, rounds: rounds, connections: connections, isAlone: arguments.contains("alone")
  ).run()
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
