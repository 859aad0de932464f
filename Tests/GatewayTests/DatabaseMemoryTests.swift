// What the private PostgreSQL takes of the machine's memory.

import Foundation
import Postgres
import Testing

@testable import Gateway

@Suite("The memory of the private PostgreSQL")
struct DatabaseMemoryTests {
  @Test(
    "a quarter of what there is, within PostgreSQL's default and a gigabyte",
    arguments: [(0, 128), (512, 128), (1_024, 256), (2_048, 512), (4_096, 1_024), (65_536, 1_024)] as [(UInt64, UInt64)]
  )
  func share(available: UInt64, buffers: UInt64) {
    #expect(DatabaseMemory.megabytes(of: available << 20) == buffers)
  }

  private struct Tree: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var files: [String: String]
    var available: UInt64
  }

  @Test(
    "the least limit of the process's own control groups is what there is",
    arguments: [
      Tree(testDescription: "no control groups", files: [:], available: 8_000),
      Tree(
        testDescription: "the process's own",
        files: [
          "/proc/self/cgroup": "0::/system.slice/fractal.service\n", "/sys/fs/cgroup/memory.max": "max\n",
          "/sys/fs/cgroup/system.slice/memory.max": "max\n",
          "/sys/fs/cgroup/system.slice/fractal.service/memory.max": "3000\n",
          "/sys/fs/cgroup/system.slice/other.service/memory.max": "1000\n",
        ], available: 3_000),
      Tree(
        testDescription: "one that the process's own is in",
        files: [
          "/proc/self/cgroup": "0::/a/b:c/d\n", "/sys/fs/cgroup/a/memory.max": "2000\n",
          "/sys/fs/cgroup/a/b:c/memory.max": "2500\n", "/sys/fs/cgroup/a/b:c/d/memory.max": "5000\n",
        ], available: 2_000),
      Tree(
        testDescription: "a container's, of its own namespace",
        files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "4000\n"], available: 4_000),
      Tree(
        testDescription: "more than the machine has",
        files: ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "9000\n"], available: 8_000),
      Tree(
        testDescription: "the older kind, beside the newer one without memory",
        files: [
          "/proc/self/cgroup": "9:name=systemd:/x\n4:cpu,memory:/a/b\n1:cpu:/z\n0::/\n",
          "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
          "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "7000\n",
          "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "6000\n",
          "/sys/fs/cgroup/memory/z/memory.limit_in_bytes": "1000\n",
        ], available: 6_000),
      Tree(
        testDescription: "the older kind, by a path that only the host knows",
        files: [
          "/proc/self/cgroup": "4:memory:/docker/0123\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "5000\n",
        ], available: 5_000),
      Tree(
        testDescription: "both kinds",
        files: [
          "/proc/self/cgroup": "0::/u\n", "/sys/fs/cgroup/unified/u/memory.max": "1500\n",
          "/sys/fs/cgroup/u/memory.max": "nonsense\n",
        ], available: 1_500),
    ])
  private func controlGroups(tree: Tree) {
    #expect(DatabaseMemory.available(machine: 8_000) { tree.files[$0] } == tree.available)
  }

  /// Whether the kernel refuses memory that there cannot be.
  private static let refusesMemory =
    (try? String(contentsOfFile: "/proc/sys/vm/overcommit_memory", encoding: .utf8))?.hasPrefix("1") == false

  @Test(
    "more memory than can be had at the start is given up for PostgreSQL's default",
    .timeLimit(.minutes(2)), .enabled(if: refusesMemory))
  func tooMuch() async throws {
    let directory = "/tmp/fractal-memory-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let log = CollectedLog()
    let cluster = try await DatabaseStart.cluster(
      directory: directory, settings: ["shared_buffers": "4TB"], logger: log.logger())
    #expect(cluster.isRunning)
    await cluster.stop()
    #expect(log.lines.contains { $0.message.contains("starts with 128MB") })
  }
}
