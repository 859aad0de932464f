// Where files are kept, and how they are had again.

import ChannelProtocol
import NIOCore
import Storage

/// Keeps bytes where the configuration says, and gives them from wherever they were kept: the setting may have changed
/// since.
struct MediaShelf: Sendable {
  let store: any MediaStore
  let channels: ChannelDirectory
  let choice: GatewayConfiguration.Media.Store
  let disk: MediaDirectory

  /// What one read brings into memory.
  static let partSize = 512 << 10
  /// The largest file that is taken, from providers and clients alike.
  static let maximumSize = 16 << 20

  /// Keeps a fetched file.
  /// - Returns: where; nil where its lease is another's by now.
  func keep(_ bytes: [UInt8], of claimed: ClaimedMedia) async throws -> MediaPlace? {
    switch choice {
    case .none: return .provider
    case .database: return try await store.keepMedia(claimed, bytes: bytes) ? .database : nil
    case .disk:
      try await disk.write(bytes, id: claimed.id)
      return .disk
    }
  }

  /// Keeps an uploaded file. No provider has it, so `store: none` keeps it in the database all the same.
  func add(_ file: MediaFile, bytes: [UInt8]) async throws {
    var file = file
    if choice == .disk {
      // No row names it before it is there; one that says so makes sure that it does not stay if we crash.
      try await store.announceFile(file.id, removedAfter: .seconds(3_600))
      try await disk.write(bytes, id: file.id)
      file.place = .disk
      try await store.addMedia(file, bytes: nil)
    } else {
      file.place = .database
      try await store.addMedia(file, bytes: bytes)
    }
  }

  /// Fetches from the provider, through any channel of the account's.
  func fetch(_ url: String, accountSID: String) async throws(MediaFailure) -> FetchedMedia {
    guard let adapter = adapter(accountSID) else {
      throw MediaFailure(
        .permanent, code: "unknown_account", message: "No channel of the file's account is configured.")
    }
    let file = try await adapter.fetchMedia(at: url)
    guard file.bytes.count <= Self.maximumSize else {
      throw MediaFailure(.permanent, code: "too_large", message: "The file is larger than any channel carries.")
    }
    return file
  }

  private func adapter(_ accountSID: String) -> (any MediaFetching)? {
    for channel in channels.channels where channel.account.accountSID == accountSID {
      if let adapter = channel.adapter as? any MediaFetching { return adapter }
    }
    return nil
  }

  /// A part of a file that is ready.
  /// - Throws: ``MediaFailure`` where it is not to be had; a storage failure.
  func bytes(of file: MediaFile, in range: Range<Int>) async throws -> [UInt8] {
    let bytes: [UInt8]
    switch file.place {
    case .database: bytes = try await store.mediaBytes(file.id, in: range) ?? []
    case .disk: bytes = try await disk.read(file.id, in: range)
    case .provider:
      let whole = try await fetch(file.source ?? "", accountSID: file.accountSID ?? "").bytes
      bytes = Array(whole.dropFirst(range.lowerBound).prefix(range.count))
    case nil: bytes = []
    }
    guard bytes.count == range.count else {
      throw MediaFailure(.permanent, code: "gone", message: "The file is no longer what it was.")
    }
    return bytes
  }
}
