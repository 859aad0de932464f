// Which of a channel's numbers a message leaves from: for one contact always the same.

import ChannelProtocol

enum StickySender {
  /// The number that the contact knows, where it is still one of ours; else one that their address decides, so that
  /// every node chooses alike and a number more or less moves few contacts (rendezvous hashing).
  ///
  /// A provider's pool, which stands first, makes this choice itself.
  static func choose(from senders: [Sender], for address: String, lastUsed: String?) -> Sender? {
    guard senders.count > 1, let first = senders.first, !first.isPool else { return senders.first }
    if let lastUsed, let known = senders.first(where: { $0.address.utf8.elementsEqual(lastUsed.utf8) }) { return known }
    return senders.max { weight($0, address) < weight($1, address) }
  }

  /// FNV-1a over both, finished so that addresses which differ in the last digit only are spread too.
  private static func weight(_ sender: Sender, _ address: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in sender.address.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ 0xFF) &* 0x100_0000_01b3
    for byte in address.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
    return hash ^ (hash >> 33)
  }
}

extension Sender {
  fileprivate var isPool: Bool { OptOutScope.line(address) == .service(address) }
}
