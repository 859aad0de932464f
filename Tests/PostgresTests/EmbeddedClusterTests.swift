// The private cluster: kept, shared, adopted, thrown away.

import Glibc
import Synchronization
import Testing

@testable import Postgres

@Suite("Embedded cluster", .timeLimit(.minutes(1)))
struct EmbeddedClusterTests {
  private static let settings = EmbeddedCluster.throwawaySettings

  private func makeDirectory() throws -> String {
    var template = "/tmp/fractal-pg-test-XXXXXX".utf8CString
    let path = try #require(
      template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
    chmod(path, 0o755)
    return path
  }

  @Test("a server that is killed is started again, with its data, for as long as somebody keeps it running")
  func killed() async throws {
    let root = try makeDirectory()
    let cluster = try await EmbeddedCluster.start(directory: root, settings: ["shared_buffers": "32MB"])
    try await PostgresFixture.withConnection(to: cluster.configuration) {
      try $0.simple("CREATE TABLE kept AS SELECT 7 AS id")
    }
    let keeper = Task { await cluster.keepRunning(logger: PostgresFixture.logger) }
    let victim = cluster.postmasterProcess
    kill(victim, SIGKILL)
    #expect(await eventually(within: .seconds(30)) { cluster.postmasterProcess != victim && cluster.isRunning })
    #expect(try await PostgresFixture.count("kept", on: cluster.configuration) == 1)
    keeper.cancel()
    await keeper.value
    await cluster.stop()
    #expect(!cluster.isRunning)
    FileSystem.removeAll(root)
  }

  @Test("who stops while a killed server is being started again does not wait for it")
  func stoppedWhileReviving() async throws {
    let root = try makeDirectory()
    let cluster = try await EmbeddedCluster.start(directory: root, settings: ["shared_buffers": "32MB"])
    let data = cluster.files.data
    // From its next start on it keeps everybody waiting for longer than the cluster's own look at it does.
    let file = try #require(fopen("\(data)/postgresql.conf", "a"))
    fputs("pre_auth_delay = 6\n", file)
    fclose(file)
    let victim = cluster.postmasterProcess
    kill(victim, SIGKILL)
    let hasEnded = Atomic(false)
    let keeper = Task {
      await cluster.keepRunning(logger: PostgresFixture.logger)
      hasEnded.store(true, ordering: .sequentiallyConsistent)
    }
    #expect(
      await eventually(within: .seconds(30)) {
        if case .running(let process) = RunningPostmaster.find(in: data) { process != victim } else { false }
      })
    keeper.cancel()
    #expect(await eventually(within: .seconds(20)) { hasEnded.load(ordering: .sequentiallyConsistent) })
    await keeper.value
    await cluster.stop()
    // Those that wait hold up its end.
    #expect(
      await eventually(within: .seconds(30)) {
        if case .running = RunningPostmaster.find(in: data) { false } else { true }
      })
    FileSystem.removeAll(root)
  }

  @Test("what another account may pass through is told from what it may not")
  func reach() throws {
    let root = try makeDirectory()
    defer { FileSystem.removeAll(root) }
    let nobody = AccountIdentity(user: 65_534, group: 65_534)
    #expect(FileSystem.canReach(root, nobody))
    #expect(mkdir(root + "/closed", 0o700) == 0 && mkdir(root + "/closed/inside", 0o755) == 0)
    #expect(!FileSystem.canReach(root + "/closed/inside", nobody))
    #expect(!FileSystem.canReach(root + "/absent", nobody))
  }

  @Test("data outlives a restart; a second process shares the server; one left by a killed process is adopted")
  func lifecycle() async throws {
    // Too deep for a socket path, with a blank and a quote.
    let root = try makeDirectory()
    let directory = root + "/it's " + String(repeating: "deep", count: 25)
    let first = try await EmbeddedCluster.start(directory: directory, settings: Self.settings)
    try await PostgresFixture.withConnection(to: first.configuration) {
      try $0.simple("CREATE TABLE kept AS SELECT 7 AS id")
    }

    let second = try await EmbeddedCluster.start(directory: directory, settings: Self.settings)
    #expect(second.postmasterProcess == first.postmasterProcess)
    await second.stop()
    #expect(first.isRunning, "who does not own it does not stop it")
    await first.stop()
    #expect(!first.isRunning)

    // As after kill -9 of its owner: a postmaster runs, and nobody holds the lock.
    let files = first.files
    let orphan = try await DedicatedThread.run(name: "test-orphan") {
      try ChildProcess.start(
        ClusterBinaries.find().postgres,
        ["-D", files.data, "-k", files.socketDirectory, "-c", "listen_addresses=", "-c", "fsync=off"],
        account: AccountIdentity.forPostgres(), output: files.log)
    }
    #expect(await eventually { RunningPostmaster.find(in: files.data) == .running(orphan.identifier) })
    let adopter = try await EmbeddedCluster.start(directory: directory, settings: Self.settings)
    #expect(adopter.postmasterProcess == orphan.identifier)
    #expect(try await PostgresFixture.count("kept", on: adopter.configuration) == 1)
    await adopter.stop()
    let status = try await DedicatedThread.run(name: "test-reap") { orphan.wait(until: .now + .seconds(5)) }
    #expect(status == 0)

    // The file names a process that lives, but is no PostgreSQL.
    let descriptor = open(files.data + "/postmaster.pid", O_WRONLY | O_CREAT, 0o600)
    let line = "\(getpid())\n"
    #expect(write(descriptor, line, line.utf8.count) == line.utf8.count)
    close(descriptor)
    let last = try await EmbeddedCluster.start(directory: directory, settings: Self.settings)
    #expect(try await PostgresFixture.count("kept", on: last.configuration) == 1)
    await last.stop()
    try await DedicatedThread.run(name: "test-rm") { FileSystem.removeAll(root) }
    rmdir(files.socketDirectory)
  }

  @Test("a throw-away cluster leaves nothing behind")
  func throwaway() async throws {
    let cluster = try await EmbeddedCluster.throwaway()
    let directory = cluster.files.directory
    #expect(cluster.isRunning && FileSystem.exists(directory))
    await cluster.stop()
    #expect(!cluster.isRunning)
    #expect(!FileSystem.exists(directory))
  }

  @Test("a server that cannot start says why")
  func brokenSettings() async throws {
    let error = await failure { try await EmbeddedCluster.throwaway(settings: ["nonsense_setting": "1"]) }
    #expect(error?.kind == .unavailable)
    #expect(error?.message.contains("nonsense_setting") == true)
  }

  @Test("the socket of a deep directory is under /tmp, the same each time")
  func socketPaths() {
    let deep = "/" + String(repeating: "x", count: 100)
    #expect(ClusterFiles(directory: "/srv/app").socketDirectory == "/srv/app/run")
    #expect(ClusterFiles(directory: deep).socketDirectory.hasPrefix("/tmp/fractal-pg-"))
    #expect(ClusterFiles(directory: deep).socketDirectory == ClusterFiles(directory: deep).socketDirectory)
  }
}
