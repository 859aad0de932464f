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
  /// What the fetch of a file may take that is kept: `MediaPolicy.lease` is longer than its two hops.
  static let takingDeadline = Duration.seconds(30)
  /// What passing one on may take: the largest, at 16 KiB a second.
  static let passingDeadline = Duration.seconds(1_100)

  /// Keeps what was taken of a file.
  /// - Returns: where; nil where its lease is another's by now.
  func keep(_ file: TakenMedia, of claimed: ClaimedMedia) async throws -> MediaPlace? {
    guard let bytes = file.bytes else { return .provider }
    if choice == .disk {
      try await disk.write(bytes, id: claimed.id)
      return .disk
    }
    return try await store.keepMedia(claimed, bytes: bytes) ? .database : nil
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

  /// Begins to fetch from the provider, through any channel of the account's.
  /// - Parameter deadline: How long the file may take to its end.
  func open(
    _ url: String, accountSID: String, part: Range<Int>? = nil, deadline: Duration
  ) async throws(MediaFailure) -> OpenMedia {
    guard let adapter = adapter(accountSID) else {
      throw MediaFailure(
        .permanent, code: "unknown_account", message: "No channel of the file's account is configured.")
    }
    let file = try await adapter.openMedia(at: url, part: part, deadline: deadline)
    guard (file.size ?? 0) <= Self.maximumSize else { throw .tooLarge }
    return file
  }

  /// Takes a file from the provider: its bytes where they are kept, else only what there is to know of it.
  func take(_ claimed: ClaimedMedia) async throws(MediaFailure) -> TakenMedia {
    let file = try await open(claimed.url, accountSID: claimed.accountSID, deadline: Self.takingDeadline)
    var taken = TakenMedia(contentType: file.contentType, filename: file.filename, size: 0)
    do {
      if choice != .none {
        let bytes = try await file.pieces.collect(upTo: Self.maximumSize)
        taken.bytes = bytes
        taken.size = bytes.count
      } else if let size = file.size {
        file.cancel()
        taken.size = size
      } else {
        taken.size = try await file.pieces.count(upTo: Self.maximumSize)
      }
    } catch {
      throw MediaFailure(error)
    }
    guard taken.size <= Self.maximumSize else { throw .tooLarge }
    return taken
  }

  /// A part of a file that only the provider has, as it comes.
  func passage(of file: MediaFile, in range: Range<Int>, size: Int) async throws(MediaFailure) -> MediaPassage {
    let open = try await open(
      file.source ?? "", accountSID: file.accountSID ?? "", part: range.count < size ? range : nil,
      deadline: Self.passingDeadline)
    guard open.size == nil || open.size == size, let passage = MediaPassage(open, wanted: range) else {
      open.cancel()
      throw .changed
    }
    return passage
  }

  private func adapter(_ accountSID: String) -> (any MediaFetching)? {
    for channel in channels.channels where channel.account.accountSID == accountSID {
      if let adapter = channel.adapter as? any MediaFetching { return adapter }
    }
    return nil
  }

  /// A part of a file that we have.
  /// - Throws: ``MediaFailure`` where it is not to be had; a storage failure.
  func bytes(of file: MediaFile, in range: Range<Int>) async throws -> [UInt8] {
    let bytes: [UInt8]
    switch file.place {
    case .database: bytes = try await store.mediaBytes(file.id, in: range) ?? []
    case .disk: bytes = try await disk.read(file.id, in: range)
    case .provider, nil: bytes = []
    }
    guard bytes.count == range.count else { throw MediaFailure.changed }
    return bytes
  }
}

/// What was taken of a file.
struct TakenMedia: Sendable {
  /// The provider's word, unchecked.
  var contentType: String?
  var filename: String?
  var size: Int
  /// nil: they stay where they are.
  var bytes: [UInt8]?
}

extension MediaFailure {
  static let changed = MediaFailure(.permanent, code: "gone", message: "The file is no longer what it was.")
}
