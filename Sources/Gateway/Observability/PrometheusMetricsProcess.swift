// The process's own figures, under the names that every Prometheus client library uses.

import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// What Linux says of this process; read afresh for every scrape.
struct ProcessFigures: Hashable, Sendable {
  var residentBytes: Double
  var virtualBytes: Double
  var cpuSeconds: Double
  var threads: Double
  /// Unix time.
  var startTime: Double
  var openDescriptors: Double?

  /// Reads a line of `/proc/PID/stat` (proc_pid_stat(5)).
  ///
  /// - Parameters:
  ///   - ticksPerSecond: `sysconf(_SC_CLK_TCK)`.
  ///   - bootTime: Unix time at which the machine started, `btime` of `/proc/stat`.
  init?(stat: String, ticksPerSecond: Double, pageBytes: Double, bootTime: Double) {
    // The second field is the program's name in brackets, and may hold anything.
    guard let name = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[stat.index(after: name)...].split(whereSeparator: \.isWhitespace)
    func field(_ number: Int) -> Double? { number - 3 < fields.count ? Double(fields[number - 3]) : nil }
    guard let user = field(14), let system = field(15), let threads = field(20), let start = field(22),
      let virtualBytes = field(23), let residentPages = field(24)
    else { return nil }
    self.virtualBytes = virtualBytes
    self.threads = threads
    residentBytes = residentPages * pageBytes
    cpuSeconds = (user + system) / ticksPerSecond
    startTime = bootTime + start / ticksPerSecond
  }

  /// nil where the system does not say.
  static func current() -> ProcessFigures? {
    #if os(Linux)
    guard let stat = contents("/proc/self/stat"),
      var figures = ProcessFigures(
        stat: stat, ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))),
        pageBytes: Double(sysconf(Int32(_SC_PAGESIZE))),
        bootTime: bootTime)
    else { return nil }
    figures.openDescriptors = descriptorCount()
    return figures
    #else
    return nil
    #endif
  }

  private static let bootTime: Double = {
    for line in (contents("/proc/stat") ?? "").split(separator: "\n") where line.hasPrefix("btime ") {
      return Double(line.dropFirst("btime ".count)) ?? 0
    }
    return 0
  }()

  private static func contents(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Without the one that the count itself needs.
  private static func descriptorCount() -> Double? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while let entry = readdir(directory) {
      if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
    }
    return Double(max(0, count - 1))
  }
}

extension ProcessFigures {
  var readings: [ProcessReading] {
    var readings = [
      ProcessReading("process_cpu_seconds_total", .counter, "User and system CPU time spent, in seconds.", cpuSeconds),
      ProcessReading("process_resident_memory_bytes", .gauge, "Resident memory, in bytes.", residentBytes),
      ProcessReading("process_start_time_seconds", .gauge, "Start of the process, in seconds of Unix time.", startTime),
      ProcessReading("process_threads", .gauge, "Threads of the process.", threads),
      ProcessReading("process_virtual_memory_bytes", .gauge, "Virtual memory, in bytes.", virtualBytes),
    ]
    if let openDescriptors {
      readings.append(ProcessReading("process_open_fds", .gauge, "Open file descriptors.", openDescriptors))
    }
    return readings
  }
}

/// One figure as a series of its own.
final class ProcessReading: PrometheusSeries {
  let id: PrometheusSeriesID
  let kind: PrometheusKind
  let help: String
  private let value: Double

  init(_ name: String, _ kind: PrometheusKind, _ help: String, _ value: Double) {
    id = PrometheusSeriesID(name: name)
    self.kind = kind
    self.help = help
    self.value = value
  }

  func append(to text: inout PrometheusText) { text.sample(id, value: value) }
}
