// Where PostgreSQL's own programs are.

import Glibc

/// A directory that holds `initdb` and `postgres`.
struct ClusterBinaries: Sendable {
  let directory: String
  var initdb: String { directory + "/initdb" }
  var postgres: String { directory + "/postgres" }

  /// `$FRACTAL_PG_BIN`, then Debian's directories (newest first), then `$PATH` and the usual places.
  static func find() throws(PostgresError) -> ClusterBinaries {
    var places: [String] = []
    if let own = getenv("FRACTAL_PG_BIN") { places.append(String(cString: own)) }
    places += debian()
    if let path = getenv("PATH") { places += String(cString: path).split(separator: ":").map(String.init) }
    places += ["/usr/local/pgsql/bin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/libexec/postgresql"]
    for place in places {
      let found = ClusterBinaries(directory: place)
      if access(found.initdb, X_OK) == 0 && access(found.postgres, X_OK) == 0 { return found }
    }
    throw PostgresError(
      .invalidConfiguration,
      "no PostgreSQL server programs found: install postgresql, set FRACTAL_PG_BIN, or set DATABASE_URL")
  }

  private static func debian() -> [String] {
    let root = "/usr/lib/postgresql"
    guard let listing = opendir(root) else { return [] }
    defer { closedir(listing) }
    var versions: [Int] = []
    while let entry = readdir(listing) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let version = Int(name) { versions.append(version) }
    }
    return versions.sorted(by: >).map { "\(root)/\($0)/bin" }
  }
}
