// Deliveries to a local receiver: how soon after the event, and how many a second.
//
// usage: WebhookBenchmark BINARY [messages a second] [endpoints] [seconds]

import BenchmarkSupport
import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
guard let binary = arguments.first else {
  print("usage: WebhookBenchmark PATH/TO/fractal [messages a second = 1500] [endpoints = 2] [seconds = 20]")
  exit(2)
}
func number(_ index: Int, _ standard: Int) -> Int {
  arguments.count > index ? Int(arguments[index]) ?? standard : standard
}

do {
  try await WebhookBenchmark(
    binary: binary, rate: min(number(1, 1_500), 20_000), endpoints: min(number(2, 2), 100),
    seconds: min(number(3, 20), 600)
  ).run()
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}
