// The port is tried before anything else is started, so that a taken one ends the start at once and in one sentence.

import NIOCore
import NIOPosix

enum ListeningPort {
  /// - Returns: the port; a free one for 0, which the public URL must name before the server listens.
  /// - Throws: ``StartupFailure`` where it is taken or not ours to take.
  static func check(host: String, port: Int, variable: String = "PORT") async throws(StartupFailure) -> Int {
    do {
      let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .bind(host: host, port: port).get()
      let bound = channel.localAddress?.port ?? port
      try await channel.close()
      return bound
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw StartupFailure("port \(port) on \(host) is taken by another program; set \(variable) to a free one")
    } catch let error as IOError where error.errnoCode == EACCES {
      throw StartupFailure("port \(port) needs rights that this user does not have; set \(variable) to one above 1023")
    } catch let error as IOError {
      throw StartupFailure("cannot listen on \(host):\(port): \(String(cString: strerror(error.errnoCode)))")
    } catch {
      throw StartupFailure("cannot listen on \(host):\(port): no such address of this machine is known")
    }
  }
}
