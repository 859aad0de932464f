// What realtime connections cost, and how fast events reach them: the sink `websocket` on a real server in a process of
// its own, and clients over sockets in this one. No database: what is measured begins with the commit.
//
// usage: RealtimeBenchmark [idle connections = 10000] [readers = 1000] [seconds a round = 5]

import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
func number(_ index: Int, _ standard: Int, _ range: ClosedRange<Int>) -> Int {
  let given = arguments.count > index ? Int(arguments[index]) ?? standard : standard
  return min(max(given, range.lowerBound), range.upperBound)
}

raiseDescriptorLimit()
do {
  if arguments.first == "serve" {
    try await BenchmarkServer.run()
  } else {
    try await RealtimeBenchmark(
      idle: number(0, 10_000, 1...50_000), readers: number(1, 1_000, 1...10_000), seconds: number(2, 5, 1...60)
    ).run()
  }
} catch {
  FileHandle.standardError.write(Data("\(error)\n".utf8))
  exit(1)
}

/// Sockets are descriptors: as many as we may have.
func raiseDescriptorLimit() {
  var limit = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
